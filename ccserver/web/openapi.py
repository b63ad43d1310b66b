"""OpenAPI 3.1 from the table of routes: what is documented is what is checked, because it is the same line."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ccserver import __version__
from ccserver.domain.access import Ability
from ccserver.web.problem import ChangedProblem, Problem
from ccserver.web.route import Route

_PARAMETER = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_NO_WORD = re.compile(r"\W+")
_REF = "#/components/schemas/{name}"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The row's version, as ETag told it, in quotes: refused with 412 when it is not that any more. "
    "Without it, whatever the row is now is changed.",
    "schema": {"type": "string"},
}


def build_openapi(routes: Sequence[Route]) -> dict[str, Any]:
    """The document for all routes but pages and those outside /api, /health and /metrics."""
    shown = [r for r in routes if not r.page and r.path.startswith(("/api/", "/health", "/metrics"))]
    types = _types(shown)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    by_type = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in shown:
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, by_type, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "ccserver", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "cookie": {"type": "apiKey", "in": "cookie", "name": "ccs_access"},
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }


def _types(routes: Sequence[Route]) -> list[Any]:
    found: dict[str, Any] = {repr(Problem): Problem}
    for route in routes:
        for kind in (route.body, route.query, route.returns):
            if kind is not None:
                found[repr(kind)] = kind
        if route.versioned is not None:
            found |= {repr(kind): kind for kind in (ChangedProblem, route.versioned)}
    return list(found.values())


def _operation(route: Route, by_type: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _NO_WORD.sub("_", f"{route.method.lower()}{route.path}").strip("_"),
        "summary": route.summary,
        "tags": [_tag(route.path)],
        "x-ability": route.ability.value,
        "responses": _responses(route, by_type),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
        for name in _PARAMETER.findall(route.path)
    ]
    if route.query is not None:
        parameters += _query_parameters(by_type[repr(route.query)], components)
    if route.versioned is not None and not route.is_safe:
        parameters.append(_IF_MATCH)
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        schema = by_type[repr(route.body)]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    elif route.upload:
        file = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"required": True, "content": dict.fromkeys(route.upload, file)}
    if route.ability is not Ability.PUBLIC:
        operation["security"] = [{"cookie": []}, {"bearer": []}]
    return operation


def _responses(route: Route, by_type: Mapping[str, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done"}
    if route.returns is not None:
        done["content"] = {route.content_type: {"schema": by_type[repr(route.returns)]}}
    elif route.status != 204:
        done["content"] = {kind: {} for kind in (route.content_type, *route.other_types)}
    responses = {str(route.status): done}
    if route.versioned is not None and route.status != 204:
        done["headers"] = {"ETag": {"description": "The row's version", "schema": {"type": "string"}}}
    if route.versioned is not None and not route.is_safe:
        responses["412"] = _changed(by_type[repr(ChangedProblem)], by_type[repr(route.versioned)])
    if route.published:
        done["headers"] = {"ETag": {"description": "Changes with the document", "schema": {"type": "string"}}}
        responses["304"] = {"description": "The document is the one that If-None-Match names"}
    if route.path == "/health":
        responses["503"] = done
    responses["default"] = {"description": "A problem", "content": _PROBLEM}
    return responses


def _changed(problem: Any, row: Any) -> dict[str, Any]:
    """The answer to a version that is over: the problem, with the present row."""
    schema = {"allOf": [problem, {"type": "object", "properties": {"row": row}}]}
    return {
        "description": "Somebody has changed it meanwhile",
        "content": {"application/problem+json": {"schema": schema}},
    }


def _query_parameters(schema: Mapping[str, Any], components: Mapping[str, Any]) -> list[dict[str, Any]]:
    body = components[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    required = set(body.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": inner}
        for name, inner in body["properties"].items()
    ]


def _tag(path: str) -> str:
    parts = path.strip("/").split("/")
    return parts[1] if parts[0] == "api" and len(parts) > 1 else parts[0]
