"""AMI's wire format: bytes to messages, and what may be written. Pure; no socket, no panoramisk.

A message is lines ``Name: value`` ended by CRLF, closed by an empty line. Names may repeat (``Variable``,
``ChanVariable``, ``Output`` of a command): their values are joined by a newline, which cannot occur in a
value.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from ccserver.domain.errors import FieldError, Invalid
from ccserver.telephony.errors import refuse_unsafe_text

MESSAGE_BYTES: Final = 4 * 1024 * 1024
"""A message longer than this is garbage; the longest real one is a CLI command's output (some 100 KB)."""

LINE_BYTES: Final = 1022
"""Asterisk reads AMI lines into 1025 bytes with CRLF and NUL, and drops longer ones (main/manager.c,
inbuf).
"""

HEADERS: Final = 120
"""Asterisk keeps the first 128 headers of an action (AST_MAX_MANHEADERS); a few are ours."""

_END: Final = b"\r\n\r\n"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,79}")


class MessageTooLong(Exception):
    """No end of message within ``MESSAGE_BYTES``: the stream cannot be trusted any more."""


class Framer:
    """Cuts the stream at empty lines. Only whole messages are decoded, so a character is never split.

    The unfinished part is kept as it came and joined once, when its end arrives: a long message in many
    packets costs no repeated copies.
    """

    def __init__(self, limit_bytes: int = MESSAGE_BYTES) -> None:
        self._limit = limit_bytes
        self._parts: list[bytes] = []
        self._size = 0
        self._last = b""

    @property
    def pending_bytes(self) -> int:
        return self._size

    def feed(self, data: bytes) -> list[str]:
        """Whole messages that end within ``data``. Bytes that are not UTF-8 become U+FFFD."""
        if self._parts:
            if _END not in self._last + data:
                self._keep(data)
                return []
            self._parts.append(data)
            data = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            self._last = b""
        cut = data.rfind(_END)
        if cut < 0:
            self._keep(data)
            return []
        if cut + 4 != len(data):
            self._keep(data[cut + 4 :])
        return data[:cut].decode("utf-8", "replace").split("\r\n\r\n")

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise MessageTooLong
        self._parts.append(data)
        # The end mark itself may be cut: three bytes of it can be in what we keep.
        self._last = (self._last + data[-3:])[-3:]


def parse_message(text: str) -> dict[str, str] | None:
    """Headers of one message; None when it is not one (neither an event nor a response).

    The quick way is one C call per line; a line without ``": "`` or a repeated name takes the careful way.
    """
    lines = text.split("\r\n")
    try:
        headers = dict([line.split(": ", 1) for line in lines])
    except ValueError:
        return _parse_carefully(lines)
    if len(headers) != len(lines):
        return _parse_carefully(lines)
    if "Event" in headers or "Response" in headers:
        return headers
    return None


def _parse_carefully(lines: list[str]) -> dict[str, str] | None:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            continue
        value = value.removeprefix(" ")
        headers[name] = f"{headers[name]}\n{value}" if name in headers else value
    if "Event" in headers or "Response" in headers:
        return headers
    return None


def check_action(name: str, headers: Mapping[str, str | Sequence[str]]) -> None:
    """Raise ``Invalid`` for anything that would not arrive as one header, before a byte is written.

    A list stands for a repeated header (``Variable``).
    """
    _check_line("Action", name)
    if not name:
        raise Invalid(FieldError("Action", "empty"))
    count = 0
    for header, value in headers.items():
        if not _NAME.fullmatch(header) or header.lower() in ("action", "actionid"):
            raise Invalid(FieldError("header", "header_name"))
        values = [value] if isinstance(value, str) else list(value)
        count += len(values)
        for item in values:
            _check_line(header, item)
    if count > HEADERS:
        raise Invalid(FieldError("header", "too_many"))


def _check_line(header: str, value: object) -> None:
    if not isinstance(value, str):
        raise Invalid(FieldError(header, "not_text"))
    refuse_unsafe_text(header, value)
    if len(header) + 2 + len(value.encode()) > LINE_BYTES:
        raise Invalid(FieldError(header, "too_long"))
