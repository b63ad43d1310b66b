"""``If-Match`` and ``ETag``: by which a client says which state of a row it means to change."""

import re

from aiohttp import web

from ccserver.domain.errors import FieldError, Invalid
from ccserver.domain.version import Versions

_TAG = r'(?:W/)?"[^"\x00-\x20]*"'
_TAGS = re.compile(rf"\s*(?:\*|{_TAG}(?:\s*,\s*{_TAG})*)\s*")
_ONE = re.compile(r'"([^"]*)"|(\*)')


def versions_of(request: web.Request) -> Versions:
    """The versions that the client accepts, None when it takes any. Raises Invalid for a header that is none.

    A weak tag counts like a strong one: proxies that compress make the one of the other, and ours name rows, not bytes.
    """
    headers = request.headers.getall("If-Match", [])
    if not headers:
        return None
    text = ", ".join(headers)
    if not _TAGS.fullmatch(text):
        raise Invalid(FieldError("If-Match", "wrong_format"))
    found = _ONE.findall(text)
    # Any version will do; a "*" in quotes is a tag like others, of no row.
    return None if any(star for _, star in found) else tuple(tag for tag, _ in found)


def tag_of(version: str) -> str:
    """A version as the header ``ETag`` carries it."""
    return f'"{version}"'
