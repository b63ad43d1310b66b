"""Errors as RFC 9457 problem documents, in the caller's language. Nothing internal ever leaks into one."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from ccserver.domain.config import Words
from ccserver.domain.config_words import ENGLISH, SAID, read
from ccserver.domain.errors import (
    ChangedMeanwhile,
    Conflict,
    DomainError,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from ccserver.web.i18n import Catalogues
from ccserver.web.sentences import ERRORS, EXPECTED, FIELDS, SOMEBODY, TITLES

CONTENT_TYPE = "application/problem+json"

STATUS: dict[type[DomainError], int] = {
    Invalid: 422,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    ChangedMeanwhile: 412,
    Throttled: 429,
    Unavailable: 503,
}
"""The one table from errors to statuses."""

_HTTP_CODES: dict[int, str] = {
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    413: "too_large",
    415: "unsupported_media_type",
}


class ProblemField(msgspec.Struct, frozen=True, kw_only=True):
    """One wrong field: its path in the body or query, a stable code, and a sentence."""

    field: str
    code: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457 problem details; ``code`` is what programs switch on."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[ProblemField, ...] = ()
    request_id: str = ""


class ChangedProblem(Problem, frozen=True, kw_only=True):
    """A row that ``who`` (id ``who_id``) changed ``at`` this instant, after the client had read it.

    ``row`` is what it is now; ``who`` is "" and ``at`` null when nobody knows.
    """

    who: str
    who_id: UUID | None
    at: float | None
    row: Any


class Malformed(DomainError):
    """The request cannot even be read: status 400, 413 or 415."""

    code = "malformed"

    def __init__(self, status: int, code: str, **params: str) -> None:
        self.status = status
        super().__init__(code, **params)


def status_of(error: DomainError) -> int:
    """The HTTP status of a domain error."""
    if isinstance(error, Malformed):
        return error.status
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 400


def from_domain(error: DomainError, catalogues: Catalogues, locale: str, request_id: str) -> Problem:
    """The problem that tells ``error``."""
    status = status_of(error)
    fields = error.errors if isinstance(error, Invalid) else ()
    if "field" in error.params:
        fields = (FieldError(error.params["field"], error.code, tuple(error.params.items())),)
    kind = next(
        (k.code for k in type(error).__mro__ if k in STATUS and issubclass(k, DomainError)), "bad_request"
    )
    sentence = ERRORS.get(error.code) or ERRORS[kind]
    told = Problem(
        type=f"/api/docs#error-{error.code}",
        title=catalogues.say(locale, TITLES[status]),
        status=status,
        detail=_fill(
            catalogues, locale, sentence, {"request_id": request_id, **_values(error, catalogues, locale)}
        ),
        code=error.code,
        errors=tuple(tell_field(f, catalogues, locale) for f in fields),
        request_id=request_id,
    )
    return _with_row(told, error) if isinstance(error, ChangedMeanwhile) else told


def _with_row(told: Problem, error: ChangedMeanwhile) -> ChangedProblem:
    return ChangedProblem(
        **msgspec.structs.asdict(told),
        who=error.params["who"],
        who_id=error.who_id,
        at=error.at,
        row=error.row,
    )


def _values(error: DomainError, catalogues: Catalogues, locale: str) -> Mapping[str, str]:
    """The values of an error's sentence; what is a sentence of ours itself is told in the reader's language."""
    if isinstance(error, ChangedMeanwhile):
        return {"who": error.params["who"] or catalogues.say(locale, SOMEBODY)}
    if error.code != "config_unplanned" or "reason" not in error.params:
        return error.params
    return {"reason": " ".join(_told(words, catalogues, locale) for words in read(error.params["reason"]))}


def _told(words: Words, catalogues: Catalogues, locale: str) -> str:
    params = {n: v if isinstance(v, str) else _told(v, catalogues, locale) for n, v in words.params.items()}
    if words.code == SAID:
        return params["text"]
    return catalogues.say(locale, ENGLISH[words.code], params)


def from_http(status: int, catalogues: Catalogues, locale: str, request_id: str) -> Problem:
    """The problem of an error that aiohttp raised itself (no such route, wrong method, ...)."""
    code = _HTTP_CODES.get(status, "bad_request" if status < 500 else "internal")
    return Problem(
        type=f"/api/docs#error-{code}",
        title=catalogues.say(locale, TITLES.get(status, TITLES[400 if status < 500 else 500])),
        status=status,
        detail=_fill(catalogues, locale, ERRORS[code], {"request_id": request_id, "maximum": "65536"}),
        code=code,
        request_id=request_id,
    )


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> web.Response:
    """The problem as a response; never cached."""
    response = web.Response(
        body=msgspec.json.encode(problem), status=problem.status, content_type=CONTENT_TYPE, headers=headers
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def headers_of(error: DomainError) -> dict[str, str]:
    """Headers that belong to an error."""
    if isinstance(error, Throttled):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, Unavailable):
        return {"Retry-After": "2"}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    return {}


def tell_field(error: FieldError, catalogues: Catalogues, locale: str) -> ProblemField:
    """What is wrong with a field, in the reader's language."""
    sentence = FIELDS.get(error.code) or ERRORS.get(error.code) or FIELDS["wrong_format"]
    params = dict(error.params)
    if error.code == "wrong_type":
        names = params.get("expected", "").split(", ")
        params["expected"] = ", ".join(catalogues.say(locale, EXPECTED.get(name, name)) for name in names)
    return ProblemField(
        field=error.field,
        code=error.code,
        message=_fill(catalogues, locale, sentence, params),
    )


def _fill(catalogues: Catalogues, locale: str, sentence: str, params: Mapping[str, str]) -> str:
    try:
        return catalogues.say(locale, sentence, params)
    except (KeyError, ValueError, TypeError):
        # A sentence that asks for a value that the error does not carry must not hide the error itself.
        return catalogues.say(locale, sentence)
