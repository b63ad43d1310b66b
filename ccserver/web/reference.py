"""The served OpenAPI and AsyncAPI documents as something to read: what each operation takes, gives and asks for.

Made from the documents alone, so that people read what machines are told.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ccserver.domain.access import ABILITIES, Ability, Role
from ccserver.web.curl import curl_of
from ccserver.web.i18n import N_
from ccserver.web.rendering import ROLE_NAMES

GROUPS = {
    "auth": N_("Logging in"),
    "me": N_("My account"),
    "calls": N_("Calls"),
    "agents": N_("Agents"),
    "status": N_("What goes on now"),
    "events": N_("What goes on now"),
    "users": N_("Users"),
    "sites": N_("Sites"),
    "trunks": N_("Trunks"),
    "trunk-presets": N_("Trunks"),
    "dids": N_("Numbers"),
    "did-counts": N_("Numbers"),
    "schedules": N_("Opening hours"),
    "routes": N_("Routes"),
    "phones": N_("Phones"),
    "config": N_("Asterisk configuration"),
    "health": N_("Health and metrics"),
    "metrics": N_("Health and metrics"),
}
OTHERS = N_("Documents")
EVERYBODY = N_("everybody")
WHO_IS_IN = N_("who is logged in")
_REF = "#/components/schemas/"
_RULES = (
    ("minLength", "≥ {} characters"),
    ("maxLength", "≤ {} characters"),
    ("minimum", "≥ {}"),
    ("maximum", "≤ {}"),
    ("minItems", "≥ {} items"),
    ("maxItems", "≤ {} items"),
    ("pattern", "{}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value. ``refs``: the schemas that ``kind`` names, to be linked."""

    name: str
    kind: str
    refs: tuple[str, ...]
    required: bool
    rules: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """One of the documents' schemas, or a body that has none of its own."""

    name: str
    meaning: str
    fields: tuple[Field, ...]
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One verb on one path. ``takes`` and ``gives``: content types of what is no JSON object."""

    id: str
    verb: str
    path: str
    summary: str
    who: tuple[str, ...]
    parameters: tuple[Field, ...]
    body: Field | None
    takes: tuple[str, ...]
    status: str
    answer: Field | None
    gives: tuple[str, ...]
    curl: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Operations on one kind of thing."""

    id: str
    label: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of the live stream."""

    name: str
    summary: str
    schema: str


def who_may(ability: str) -> tuple[str, ...]:
    """The roles that have an ability, by their names; to be translated."""
    if ability == Ability.PUBLIC:
        return (EVERYBODY,)
    if ability == Ability.SESSION or all(ability in abilities for abilities in ABILITIES.values()):
        return (WHO_IS_IN,)
    return tuple(ROLE_NAMES[role] for role in Role if ability in ABILITIES[role])


def groups(document: Mapping[str, Any]) -> tuple[Group, ...]:
    """Every operation of an OpenAPI document, by what it is about, in the order of ``GROUPS``."""
    found: dict[str, list[Operation]] = {label: [] for label in (*GROUPS.values(), OTHERS)}
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            label = GROUPS.get(operation["tags"][0], OTHERS)
            found[label].append(_operation(path, verb, operation, document["components"]["schemas"]))
    return tuple(
        Group(id=_anchor(label), label=label, operations=tuple(listed))
        for label, listed in found.items()
        if listed
    )


def schemas(*documents: Mapping[str, Any]) -> tuple[Schema, ...]:
    """Every schema of the documents, by name."""
    found: dict[str, Any] = {}
    for document in documents:
        found |= document["components"]["schemas"]
    return tuple(_schema(name, schema) for name, schema in sorted(found.items()))


def messages(document: Mapping[str, Any], action: str) -> tuple[Message, ...]:
    """Messages of the WebSocket in an AsyncAPI document. ``action`` as the server's: it sends or receives them."""
    wanted = [
        o
        for o in document["operations"].values()
        if o["action"] == action and "websocket" in o["channel"]["$ref"]
    ]
    names = [reference["$ref"].rsplit("/", 1)[1] for o in wanted for reference in o["messages"]]
    told = document["components"]["messages"]
    return tuple(
        Message(name=told[n]["name"], summary=told[n]["summary"], schema=_name(told[n]["payload"]))
        for n in names
    )


def _operation(path: str, verb: str, operation: Mapping[str, Any], known: Mapping[str, Any]) -> Operation:
    content = operation.get("requestBody", {}).get("content", {})
    status = next(iter(operation["responses"]))
    answers = operation["responses"][status].get("content", {})
    body = content.get("application/json", {}).get("schema")
    answer = answers.get("application/json", {}).get("schema")
    return Operation(
        id=f"op-{operation['operationId']}",
        verb=verb.upper(),
        path=path,
        summary=operation["summary"],
        who=who_may(operation["x-ability"]),
        parameters=tuple(
            _field(p["name"], p["schema"], required=p["required"]) for p in operation.get("parameters", ())
        ),
        body=_field("", body, required=True) if body else None,
        takes=tuple(kind for kind in content if kind != "application/json"),
        status=status,
        answer=_field("", answer, required=True) if answer else None,
        gives=tuple(answers) if answer is None else (),
        curl=curl_of(path, verb.upper(), operation, known),
    )


def _schema(name: str, schema: Mapping[str, Any]) -> Schema:
    required = set(schema.get("required", ()))
    properties = schema.get("properties", {})
    return Schema(
        name=name,
        meaning=schema.get("description", ""),
        fields=tuple(_field(n, inner, required=n in required) for n, inner in properties.items()),
        values=tuple(str(value) for value in schema.get("enum", ())),
    )


def _field(name: str, schema: Mapping[str, Any], *, required: bool) -> Field:
    rules = [text.format(schema[rule]) for rule, text in _RULES if rule in schema]
    if schema.get("default") not in (None, "", [], {}):
        rules.append(f"= {json.dumps(schema['default'], ensure_ascii=False)}")
    return Field(
        name=name,
        kind=_kind(schema),
        refs=tuple(dict.fromkeys(_references(schema))),
        required=required,
        rules=", ".join(rules),
        meaning=schema.get("description", ""),
    )


def _kind(schema: Mapping[str, Any]) -> str:
    """The type in a few signs: ``uuid``, ``CallRow[]``, ``integer | null``."""
    if "$ref" in schema:
        return _name(schema)
    if "anyOf" in schema:
        parts = sorted((_kind(part) for part in schema["anyOf"]), key=lambda kind: kind == "null")
        return " | ".join(parts)
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    kind = schema.get("type", "any")
    if kind == "array":
        inner = _kind(schema.get("items") or {})
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if kind == "object" and "additionalProperties" in schema and schema["additionalProperties"] is not False:
        return (
            f"{{…: {_kind(schema['additionalProperties'])}}}" if schema["additionalProperties"] else "object"
        )
    return str(schema.get("format", kind))


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield _name(schema)
        for inner in schema.values():
            yield from _references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _references(inner)


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[1]


def _anchor(label: str) -> str:
    return "g-" + re.sub(r"\W+", "-", label.lower())
