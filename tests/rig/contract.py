"""Checks answers against the OpenAPI document that the server itself hands out."""

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema


class Contract:
    """The document, and whether an answer keeps to it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._paths = [
            (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), operations)
            for path, operations in document["paths"].items()
        ]

    def check(self, method: str, path: str, status: int, content_type: str, body: bytes) -> None:
        """Raises AssertionError (or jsonschema's error) for an answer that the document does not allow."""
        if not path.startswith(("/api/", "/health", "/metrics")):
            return  # a page, or the WebSocket
        operation = self._operation(method, path)
        if operation is None:
            assert status in (404, 405), f"{method} {path} is served and not in the document"
            return
        responses = operation["responses"]
        answer = responses.get(str(status))
        if answer is None:
            assert status >= 400, f"{method} {path} answered {status}, which the document does not tell"
            answer = responses["default"]
        if status in (204, 304):
            assert body == b""
            return
        content = answer["content"]
        assert content_type in content, f"{method} {path} answered {content_type}"
        if "schema" in content[content_type]:
            schema = {
                **content[content_type]["schema"],
                "components": self.document["components"],
            }
            jsonschema.Draft202012Validator(schema).validate(json.loads(body))

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, operations in self._paths:
            if pattern.fullmatch(path):
                found: dict[str, Any] | None = operations.get(method.lower())
                return found
        return None
