"""The protocol of the live stream, as structs: what is decoded, encoded, documented and tested."""

from enum import IntEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

PROTOCOL = 1
"""Number of this protocol; a change that breaks clients raises it."""

HEARTBEAT_SECONDS = 5.0
"""A client that heard nothing for two of these may take its connection for dead."""

MAX_MESSAGE_BYTES = 16 * 1024
"""A longer message from a client closes its socket with 1009."""

MAX_BAD_MESSAGES = 5
"""The message that reaches this number of bad ones closes the socket with 4002."""

MAX_TOPICS = 32
"""Topics in one subscription."""


class CloseCode(IntEnum):
    """Why the server closed a socket. 4000 and above are ours."""

    NORMAL = 1000, "The client closed"
    GOING_AWAY = 1001, "The server restarts: connect again and resume"
    TOO_BIG = 1009, "A message was longer than 16 KiB"
    ENDED = 4001, "The session is over or its rights changed; a bye message said why"
    BAD_MESSAGES = 4002, "Too many messages that could not be understood or were refused"
    TOO_SLOW = 4008, "The client does not read as fast as things change: connect again for a snapshot"

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "CloseCode":
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Ask for topics, in place of those asked for before.

    With the ``epoch`` and ``seq`` of the last frame held for the same topics the answer is what happened
    since, if the server still knows; without them it is a snapshot.
    """

    topics: Annotated[tuple[str, ...], Meta(max_length=MAX_TOPICS)]
    epoch: str | None = None
    seq: int | None = None


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Ask for a pong with the same ``id``."""

    id: Annotated[str, Meta(max_length=100)] | int | None = None


ClientMessage = Subscribe | Ping


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello"):
    """The first message. ``heartbeat``: seconds between signs of life when nothing else is sent."""

    protocol: int
    epoch: str
    node: str
    heartbeat: float


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot"):
    """All rows that the client may see: they replace what it has.

    ``topics``: rows by key, by topic. ``reload``: topics subscribed to whose rows are to be read over HTTP.
    ``as_of``: epoch seconds at which the rows were right. ``blind_since``: epoch seconds since which the
    server has not seen the telephone system, null when it sees.
    """

    epoch: str
    seq: int
    as_of: float
    blind_since: float | None
    topics: dict[str, dict[str, Any]]
    reload: tuple[str, ...]


class Delta(msgspec.Struct, frozen=True, kw_only=True, tag="delta"):
    """Rows put, or deleted where null: ``[topic, key, row]``, the latest state of each.

    ``prev``: the ``seq`` of the frame before this one. When it is not the last ``seq`` that the client has,
    something is missing: subscribe again with that last ``epoch`` and ``seq``.
    """

    epoch: str
    prev: int
    seq: int
    as_of: float
    changes: list[tuple[str, str, dict[str, Any] | None]]


class Blind(msgspec.Struct, frozen=True, kw_only=True, tag="blind"):
    """Since when (epoch seconds) the server has not seen the telephone system; null: it sees again."""

    since: float | None


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, tag="heartbeat"):
    """Nothing happened since the frame ``seq``; the rows were right as of ``as_of``."""

    seq: int
    as_of: float


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag="pong"):
    """The answer to a ping."""

    id: str | int | None


class Error(msgspec.Struct, frozen=True, kw_only=True, tag="error"):
    """A message was refused; nothing changed. ``message`` is in the language of the session."""

    code: str
    message: str


class Bye(msgspec.Struct, frozen=True, kw_only=True, tag="bye"):
    """The connection ends: session_replaced, session_ended, password_changed, deactivated, role_changed."""

    code: str


ServerMessage = Hello | Snapshot | Delta | Blind | Heartbeat | Pong | Error | Bye

SENTENCES: dict[str, dict[str, str]] = {
    "malformed": {
        "en": "This message cannot be understood.",
        "fr": "Ce message ne peut pas être compris.",
    },
    "unknown_type": {
        "en": "This type of message is not known.",
        "fr": "Ce type de message n’est pas connu.",
    },
    "topic_unknown": {
        "en": "There is no such topic.",
        "fr": "Ce sujet n’existe pas.",
    },
    "topic_forbidden": {
        "en": "Your role does not allow this topic.",
        "fr": "Votre rôle ne permet pas de suivre ce sujet.",
    },
    "too_many_messages": {
        "en": "Too many messages in a short time.",
        "fr": "Trop de messages en peu de temps.",
    },
}
"""Error codes of the stream and their sentences; here because the stream has no page to render."""


def error(code: str, locale: str) -> Error:
    """The error in the language of ``locale``, English when there is no translation."""
    sentences = SENTENCES[code]
    return Error(code=code, message=sentences.get(locale[:2], sentences["en"]))
