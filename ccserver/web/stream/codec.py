"""Frames as bytes. Each row's JSON is taken as its author wrote it: frames are composed by joining.

Nothing here parses JSON. A frame knows its form on each kind of connection and makes it once, however many
clients it is sent to.
"""

import struct
from collections.abc import Iterable

import msgspec

from ccserver.domain.stream import Change
from ccserver.web.stream.protocol import ServerMessage

_TEXT = 0x81
_CLOSE = 0x88
_pack_medium = struct.Struct("!BBH").pack
_pack_long = struct.Struct("!BBQ").pack

encode = msgspec.json.encode


def websocket_frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    """One unmasked, uncompressed, final WebSocket frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65536:
        return _pack_medium(opcode, 126, size) + payload
    return _pack_long(opcode, 127, size) + payload


def websocket_close(code: int, reason: str = "") -> bytes:
    """A close frame; the reason is cut to the 123 bytes that a control frame can hold."""
    return websocket_frame(code.to_bytes(2, "big") + reason.encode()[:123], _CLOSE)


class Frame:
    """One message to clients. ``position`` is the (epoch, seq) from which its reader may resume."""

    __slots__ = ("_sse", "_websocket", "payload", "position")

    def __init__(self, payload: bytes, position: tuple[str, int] | None = None) -> None:
        self.payload = payload
        self.position = position
        self._websocket: bytes | None = None
        self._sse: bytes | None = None

    @property
    def websocket(self) -> bytes:
        """The bytes on a WebSocket."""
        if self._websocket is None:
            self._websocket = websocket_frame(self.payload)
        return self._websocket

    @property
    def sse(self) -> bytes:
        """The bytes on an event stream, as one HTTP chunk. Rows hold no raw line break: JSON escapes them."""
        if self._sse is None:
            head = (
                b""
                if self.position is None
                else b"id: %s:%d\n" % (self.position[0].encode(), self.position[1])
            )
            event = b"%sdata: %s\n\n" % (head, self.payload)
            self._sse = b"%x\r\n%s\r\n" % (len(event), event)
        return self._sse


def message(body: ServerMessage) -> Frame:
    """A frame of a small message."""
    return Frame(encode(body))


class Pieces:
    """A change's part of a delta, in its two forms; each made when first needed and shared by all frames."""

    __slots__ = ("_change", "_gone", "_row")

    def __init__(self, change: Change) -> None:
        self._change = change
        self._row: bytes | None = None
        self._gone: bytes | None = None

    @property
    def row(self) -> bytes:
        """``[topic,key,row]``."""
        if self._row is None:
            change = self._change
            self._row = b"[%s,%s,%s]" % (encode(change.topic), encode(change.key), bytes(change.row))
        return self._row

    @property
    def gone(self) -> bytes:
        """``[topic,key,null]``, for those who do not see the row any more."""
        if self._gone is None:
            self._gone = b"[%s,%s,null]" % (encode(self._change.topic), encode(self._change.key))
        return self._gone


def delta(epoch: str, prev: int, seq: int, as_of: float, pieces: Iterable[bytes]) -> Frame:
    """A delta of pieces."""
    payload = b'{"type":"delta","epoch":%s,"prev":%d,"seq":%d,"as_of":%s,"changes":[%s]}' % (
        encode(epoch),
        prev,
        seq,
        encode(as_of),
        b",".join(pieces),
    )
    return Frame(payload, (epoch, seq))


def snapshot(
    epoch: str,
    seq: int,
    as_of: float,
    blind_since: float | None,
    topics: Iterable[tuple[str, Iterable[Change]]],
    reload: Iterable[str],
) -> Frame:
    """A snapshot of rows by topic."""
    tables = b",".join(
        b"%s:{%s}" % (encode(topic), b",".join(b"%s:%s" % (encode(c.key), bytes(c.row)) for c in changes))
        for topic, changes in topics
    )
    payload = (
        b'{"type":"snapshot","epoch":%s,"seq":%d,"as_of":%s,"blind_since":%s,"topics":{%s},"reload":%s}'
        % (encode(epoch), seq, encode(as_of), encode(blind_since), tables, encode(list(reload)))
    )
    return Frame(payload, (epoch, seq))
