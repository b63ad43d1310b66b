"""A call of the API as it is typed into a shell, with a body that the operation would take.

Bodies come by a here-document and the token from a file: what stands among a command's arguments, everybody on the
machine can read.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

TOKEN_FILE = "token.txt"  # noqa: S105 - where a reader keeps it, not what it is
LOGIN = f"""\
umask 077
curl -sS "$CCSERVER/api/auth/login?bearer=1" -H 'Content-Type: application/json' --data @login.json \\
  | python3 -c 'import json, sys; print("Authorization: Bearer", json.load(sys.stdin)["access_token"])' \\
  > {TOKEN_FILE}"""
"""Getting a token, by a file login.json that holds the credentials."""

EXAMPLE_ID = "018f5a9e-0000-7000-8000-000000000001"
_DEEPEST = 4
_EXAMPLES = {
    "number": "+33612345678",
    "login": "camille.roux",
    "slug": "paris",
    "zone": "Europe/Paris",
    "country": "FR",
    "locale": "fr",
    "extension": "201",
    "host": "192.0.2.10",
    "email": "camille.roux@example.org",
    "role": "AGENT",
    "first_name": "Camille",
    "last_name": "Roux",
    "name": "Paris",
    "target": "agent",
    "opens": "09:00",
    "closes": "18:00",
    "date": "2026-12-24",
    "reason": "lunch",
    "state": "paused",
}


def curl_of(path: str, verb: str, operation: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """One operation of an OpenAPI document; ``known``: its schemas. ``$CCSERVER`` is set beforehand."""
    asked = [p for p in operation.get("parameters", ()) if p["in"] == "query" and p["required"]]
    query = "&".join(f"{p['name']}={quote(str(sample(p['name'], p['schema'], known)))}" for p in asked)
    address = re.sub(r"\{\w+\}", EXAMPLE_ID, path) + (f"?{query}" if query else "")
    gives = next(iter(operation["responses"].values())).get("content", {})
    streams = "N" if "text/event-stream" in gives else ""
    method = "" if verb == "GET" else f"-X {verb} "
    parts = [f'curl -sS{streams} {method}"$CCSERVER{address}"']
    if "security" in operation:
        parts.append(f"-H @{TOKEN_FILE}")
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return " ".join(parts)
    parts.append(f"-H 'Content-Type: {next(iter(content))}'")
    if "application/json" not in content:
        return " ".join([*parts, "--data-binary @file"])
    body = json.dumps(sample("", content["application/json"]["schema"], known), ensure_ascii=False, indent=2)
    return " ".join([*parts, "--data @- <<'JSON'"]) + f"\n{body}\nJSON"


def sample(name: str, schema: Mapping[str, Any], known: Mapping[str, Any], depth: int = 0) -> Any:
    """A value that the schema would take: what is required, or the first field where nothing is."""
    if "$ref" in schema:
        found = known[str(schema["$ref"]).rsplit("/", 1)[1]]
        return sample(name, found, known, depth + 1) if depth < _DEEPEST else {}
    if "anyOf" in schema:
        parts = [part for part in schema["anyOf"] if part.get("type") != "null"]
        return sample(name, parts[0], known, depth) if parts else None
    if "enum" in schema:
        return _EXAMPLES[name] if _EXAMPLES.get(name) in schema["enum"] else schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            return _object(schema, known, depth)
        case "array":
            return [sample(name.removesuffix("s"), schema.get("items") or {}, known, depth + 1)]
        case "string":
            return EXAMPLE_ID if schema.get("format") == "uuid" else _EXAMPLES.get(name, "…")
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return None


def _object(schema: Mapping[str, Any], known: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    shown: Sequence[str] = schema.get("required") or list(properties)[:1]
    return {inner: sample(inner, properties[inner], known, depth + 1) for inner in shown}
