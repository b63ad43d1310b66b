"""One tree of errors, without HTTP in it: the web floor maps each kind to a status.

``code`` is the stable name that clients and translations use. ``params`` fill the translated sentence.
"""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that is wrong: its path in the body, a stable code, and values for the sentence."""

    field: str
    code: str
    params: tuple[tuple[str, str], ...] = ()


class DomainError(Exception):
    """Base of every error that a caller can do something about."""

    code = "error"

    def __init__(self, code: str | None = None, /, **params: str) -> None:
        self.code = code or type(self).code
        self.params = params
        super().__init__(self.code)


class Invalid(DomainError):
    """The request is understood but some fields cannot be accepted; nothing was changed."""

    code = "invalid"

    def __init__(self, *errors: FieldError) -> None:
        self.errors = errors
        super().__init__(None)


class Unauthenticated(DomainError):
    """Nobody is logged in, or the credentials are wrong (never says which)."""

    code = "unauthenticated"


class Forbidden(DomainError):
    """Logged in, but the role or scope does not allow this."""

    code = "forbidden"


class NotFound(DomainError):
    """No such thing within the caller's scope."""

    code = "not_found"


class Conflict(DomainError):
    """The thing exists already, or is not in a state that allows this."""

    code = "conflict"


class ChangedMeanwhile(DomainError):
    """The row is not any more what its editor has seen; nothing was changed.

    ``who`` (name, "" when nobody knows) changed it ``at`` (epoch seconds, None likewise) into ``row``, what it is now.
    """

    code = "changed_meanwhile"

    def __init__(self, row: object, *, who: str, who_id: UUID | None, at: float | None) -> None:
        self.row = row
        self.who_id = who_id
        self.at = at
        super().__init__(None, who=who)


class Throttled(DomainError):
    """Too many attempts; ``retry_after`` is the number of seconds to wait."""

    code = "throttled"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(None, seconds=str(retry_after))


class Unavailable(DomainError):
    """A part that is needed (database, Asterisk, telephony owner) is away; try again later."""

    code = "unavailable"
