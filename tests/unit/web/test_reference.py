"""The interface as people are told it: nothing of the served documents is missing, what is typed would be taken."""

import json
import re
from typing import Any

import jsonschema
import pytest
from ccserver import __version__
from ccserver.web import reference
from ccserver.web.api import agents, calls, config, docs
from ccserver.web.assets import Assets
from ccserver.web.curl import sample
from ccserver.web.i18n import Catalogues
from ccserver.web.openapi import build_openapi
from ccserver.web.rendering import Renderer
from ccserver.web.server import ROUTES
from ccserver.web.stream import asyncapi

ALL = (*ROUTES, *calls.ROUTES, *agents.ROUTES, *config.ROUTES)
DOCUMENT = build_openapi(ALL)
KNOWN = DOCUMENT["components"]["schemas"]
OPERATIONS = [
    (verb.upper(), path, operation)
    for path, verbs in DOCUMENT["paths"].items()
    for verb, operation in verbs.items()
]
IDS = [f"{verb} {path}" for verb, path, _ in OPERATIONS]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    catalogues = Catalogues()
    renderer = Renderer(Assets(), catalogues)
    return {
        locale: renderer.render(
            docs.TEMPLATE,
            docs.docs_shell(
                ALL, catalogues, origin="https://x.example", locale=locale, theme="auto", nonce="n"
            ),
        )
        for locale in ("fr", "en")
    }


def test_every_operation_schema_topic_and_error_has_its_place(pages: dict[str, str]) -> None:
    ids = re.findall(r'\bid="([^"]+)"', pages["fr"])
    assert len(ids) == len(set(ids))
    told = set(ids)
    assert {f"op-{operation['operationId']}" for _, _, operation in OPERATIONS} <= told
    stream = asyncapi.document(__version__)
    assert {f"schema-{name}" for name in (*KNOWN, *stream["components"]["schemas"])} <= told
    assert {f"topic-{topic['name']}" for topic in asyncapi.protocol()["topics"]} <= told
    assert {"error-wrong_credentials", "error-too_long", "error-csrf"} <= told
    assert {href for href in re.findall(r'href="#([^"]+)"', pages["fr"]) if href not in told} == set()


def test_both_languages_say_the_same(pages: dict[str, str]) -> None:
    anchors = [re.findall(r'\bid="([^"]+)"', page) for page in pages.values()]
    assert anchors[0] == anchors[1]
    assert "Codes d’erreur" in pages["fr"] and "Error codes" in pages["en"]


@pytest.mark.parametrize(("verb", "path", "operation"), OPERATIONS, ids=IDS)
def test_what_is_typed_would_be_taken(verb: str, path: str, operation: dict[str, Any]) -> None:
    """Each example is of the shape that its operation asks for, and no secret is among a command's arguments."""
    [told] = [
        o
        for group in reference.groups(DOCUMENT)
        for o in group.operations
        if (o.verb, o.path) == (verb, path)
    ]
    command, _, body = told.curl.partition(" <<'JSON'\n")
    assert command.startswith("curl -sS")
    assert f'"$CCSERVER{re.sub("{.*?}", "018f5a9e-0000-7000-8000-000000000001", path)}' in command
    assert ("-H @token.txt" in command) == ("security" in operation)
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    assert bool(body) == bool(schema)
    if schema:
        value = json.loads(body.removesuffix("\nJSON"))
        jsonschema.validate(value, {**schema, "components": DOCUMENT["components"]})
        assert value


def test_who_may_is_told_by_role() -> None:
    assert reference.who_may("public") == (reference.EVERYBODY,)
    assert reference.who_may("use") == (reference.WHO_IS_IN,)
    assert reference.who_may("see_board") == ("Supervisor", "Administrator", "Super administrator")


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string", "format": "uuid"}, "uuid"),
        ({"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Row"}]}, "Row | null"),
        (
            {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
            "(integer | null)[]",
        ),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "{…: string}"),
        ({"enum": ["a", "b"]}, '"a" | "b"'),
        ({}, "any"),
    ],
)
def test_types_in_a_few_signs(schema: dict[str, Any], kind: str) -> None:
    assert reference._kind(schema) == kind


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/components/schemas/Node"}},
        "required": ["next"],
    }
    assert len(json.dumps(sample("", node, {"Node": node}))) < 200
