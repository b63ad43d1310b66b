"""The stream's contract for machines (AsyncAPI 3) and for the protocol page, made from the structs themselves."""

import inspect
from typing import Any, get_args

import msgspec

from ccserver.domain.access import TOPIC_ABILITY
from ccserver.domain.board import AgentRow, CallRow, LinkRow, StationRow
from ccserver.domain.config import ConfigState
from ccserver.domain.stream import ANNOUNCED_TOPICS
from ccserver.web.stream.protocol import (
    HEARTBEAT_SECONDS,
    MAX_BAD_MESSAGES,
    MAX_MESSAGE_BYTES,
    PROTOCOL,
    SENTENCES,
    ClientMessage,
    CloseCode,
    ServerMessage,
)

ROWS: dict[str, type[msgspec.Struct]] = {
    "agents": AgentRow,
    "calls": CallRow,
    "history": CallRow,
    "config": ConfigState,
    "links": LinkRow,
    "stations": StationRow,
}
"""The struct of each topic's rows; the others are those of the API's resources of the same name."""

_CLIENT: tuple[type[msgspec.Struct], ...] = get_args(ClientMessage)
_SERVER: tuple[type[msgspec.Struct], ...] = get_args(ServerMessage)
_SCHEMAS = "#/components/schemas/"


def document(version: str) -> dict[str, Any]:
    """The AsyncAPI 3 document of the WebSocket and of the event stream."""
    structs = [*_CLIENT, *_SERVER, *dict.fromkeys(ROWS.values())]
    _, schemas = msgspec.json.schema_components(structs, ref_template=_SCHEMAS + "{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "ccserver live stream",
            "version": version,
            "description": "Live rows of calls, agents and links: a snapshot, then deltas, resumable.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "websocket": _channel("/ws", [*_CLIENT, *_SERVER]),
            "events": {
                **_channel("/api/events/stream", [*_SERVER]),
                "bindings": {"http": {"query": _query_schema()}},
            },
        },
        "operations": {
            "say": _operation("receive", "websocket", _CLIENT),
            "hear": _operation("send", "websocket", _SERVER),
            "follow": _operation("send", "events", _SERVER),
        },
        "components": {
            "schemas": schemas,
            "messages": {m.__name__: _message(m) for m in (*_CLIENT, *_SERVER)},
        },
    }


def protocol() -> dict[str, Any]:
    """The same for people: what the page /api/protocol shows."""
    return {
        "protocol": PROTOCOL,
        "heartbeat_seconds": HEARTBEAT_SECONDS,
        "max_message_bytes": MAX_MESSAGE_BYTES,
        "max_bad_messages": MAX_BAD_MESSAGES,
        "topics": [
            {
                "name": name,
                "ability": ability.value,
                "in_snapshot": name not in ANNOUNCED_TOPICS,
                "row": ROWS[name].__name__ if name in ROWS else None,
            }
            for name, ability in TOPIC_ABILITY.items()
        ],
        "client_messages": [_told(m) for m in _CLIENT],
        "server_messages": [_told(m) for m in _SERVER],
        "close_codes": [{"code": c.value, "name": c.name.lower(), "meaning": c.meaning} for c in CloseCode],
        "errors": [{"code": code, **sentences} for code, sentences in SENTENCES.items()],
    }


def _channel(address: str, messages: list[type[msgspec.Struct]]) -> dict[str, Any]:
    return {
        "address": address,
        "messages": {m.__name__: {"$ref": f"#/components/messages/{m.__name__}"} for m in messages},
    }


def _operation(action: str, channel: str, messages: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{m.__name__}"} for m in messages],
    }


def _message(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "name": struct.__struct_config__.tag,
        "summary": _meaning(struct),
        "payload": {"$ref": _SCHEMAS + struct.__name__},
    }


def _query_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["topics"],
        "properties": {
            "topics": {"type": "string", "description": "Topics, separated by commas"},
            "last": {"type": "string", "description": "Where to resume, as in Last-Event-ID: epoch:seq"},
        },
    }


def _told(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "type": struct.__struct_config__.tag,
        "fields": list(struct.__struct_encode_fields__),
        "meaning": _meaning(struct),
    }


def _meaning(struct: type[msgspec.Struct]) -> str:
    return inspect.getdoc(struct) or ""
