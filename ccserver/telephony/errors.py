"""What Asterisk can answer to a command, as typed errors.

None of these is a kind of ``NotFound`` or ``Conflict`` on purpose: an ARI 404 says that a channel is gone,
which must not become the 404 of our own API by accident. The caller decides what it means.
"""

import os
from typing import Final

from ccserver.domain.errors import DomainError, FieldError, Invalid, Unavailable

CONTROL_CHARACTERS: Final = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)))
"""C0, DEL, C1 and the two Unicode line ends: what could end a line in AMI, SIP or a dialplan variable."""


class AmiError(DomainError):
    """Asterisk refused an AMI action; ``message`` is its own sentence."""

    code = "ami_refused"

    def __init__(self, action: str, message: str) -> None:
        self.action = action
        self.message = message
        super().__init__(None, action=action, message=message)

    def __str__(self) -> str:
        return f"AMI {self.action}: {self.message}"


class AriError(DomainError):
    """Asterisk refused an ARI request; ``status`` is HTTP's, ``message`` is Asterisk's own sentence."""

    code = "ari_error"

    def __init__(self, operation: str, status: int, message: str) -> None:
        self.operation = operation
        self.status = status
        self.message = message
        super().__init__(None, operation=operation, status=str(status), message=message)

    def __str__(self) -> str:
        return f"ARI {self.operation}: {self.status} {self.message}"


class AriNotFound(AriError):
    """404: the channel, bridge or playback does not exist (any more)."""

    code = "ari_not_found"


class AriConflict(AriError):
    """409 or 412: the thing exists but its state does not allow this (an id in use, a channel hung up)."""

    code = "ari_conflict"


class AriUnprocessable(AriError):
    """422: understood but impossible, for instance a channel that is not in a Stasis application."""

    code = "ari_unprocessable"


class AriRefused(AriError):
    """400, 401, 403 and every other 3xx or 4xx: the request is wrong, or we may not make it."""

    code = "ari_refused"


class AriAllocationFailed(AriError):
    """500 to an originate: Asterisk could not make the channel (unknown or unregistered endpoint).

    A fault of the destination and not of Asterisk, so it is not ``Unavailable``
    (seen on 22.10: ``{"message": "Allocation failed"}``).
    """

    code = "ari_allocation_failed"


class AsteriskAway(Unavailable):
    """``Unavailable``, readable in a log: which link (``part``) and why (``why``)."""

    def __str__(self) -> str:
        return f"{self.params['part']} unavailable: {self.params['why']}"


def away(link: str, why: str) -> Unavailable:
    """``Unavailable`` that says which link and why; after ``why="deadline"`` the command may still have
    run.
    """
    return AsteriskAway(None, part=link, why=why)


def words_of(error: OSError) -> str:
    """Why a connection failed, short and without addresses: the same fault always reads the same."""
    return os.strerror(error.errno) if error.errno else type(error).__name__


def refuse_unsafe_text(field: str, value: str) -> None:
    """Raise ``Invalid`` if ``value`` holds a control character or cannot be encoded as UTF-8.

    AMI frames by line ends, and dialplan variables reach SIP headers: a CR or LF in a value is an injection.
    """
    if not CONTROL_CHARACTERS.isdisjoint(value):
        raise Invalid(FieldError(field, "control_character"))
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise Invalid(FieldError(field, "not_unicode"))
