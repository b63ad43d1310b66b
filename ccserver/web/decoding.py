"""Bodies and queries into structs, strictly: unknown fields, wrong types and control characters are refused.

Whatever a field is for, a line break in it could end up in an AMI header or in Asterisk's configuration, so
the refusal is here, for every string of every request.
"""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from aiohttp import web
from multidict import MultiMapping

from ccserver.domain.errors import FieldError, Invalid
from ccserver.web.problem import Malformed

BODY_LIMIT = 64 * 1024
_T = TypeVar("_T", bound=msgspec.Struct)

# C0, DEL, C1, line and paragraph separators, bidirectional overrides (they make a name read as another one),
# lone surrogates, noncharacters.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_AT = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_UNKNOWN_FIELD = re.compile(r"^Object contains unknown field `(?P<name>.*)`$", re.DOTALL)
_MISSING_FIELD = re.compile(r"^Object missing required field `(?P<name>.*)`$")
_LENGTH = re.compile(r"^Expected `(?P<type>\w+)` of length (?P<sign><=|>=) (?P<bound>\d+)$")
_BOUND = re.compile(r"^Expected `\w+` (?P<sign><=|>=|<|>) (?P<bound>[-\d.]+)$")
_EXPECTED = re.compile(r"^Expected `(?P<expected>[^`]+)`, got")


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every body and query: immutable, and no field that we do not know."""


def given(body: Body) -> dict[str, Any]:
    """The fields of a body of changes that its sender named; the others are UNSET and stay as they are."""
    values = msgspec.structs.asdict(body)
    return {name: value for name, value in values.items() if value is not msgspec.UNSET}


async def read_body(request: web.Request, kind: type[_T], limit: int) -> _T:
    """The JSON body as ``kind``. Raises Malformed (400, 413, 415) and Invalid."""
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() not in (
        "utf-8",
        "utf8",
    ):
        raise Malformed(415, "unsupported_media_type")
    return decode_json(await _read(request, limit), kind)


async def read_upload(request: web.Request, kinds: Collection[str], limit: int) -> bytes:
    """The body as it is, a file of one of these content types. Raises Malformed (413, 415)."""
    if request.content_type not in kinds:
        raise Malformed(415, "unsupported_file_type")
    return await _read(request, limit)


async def _read(request: web.Request, limit: int) -> bytes:
    if request.content_length is not None and request.content_length > limit:
        raise Malformed(413, "too_large", maximum=str(limit))
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > limit:
            raise Malformed(413, "too_large", maximum=str(limit))
    return bytes(data)


def decode_json(data: bytes, kind: type[_T]) -> _T:
    """``data`` as ``kind``. Raises Malformed for what is no JSON, Invalid for what is no ``kind``."""
    try:
        decoded = msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise Invalid(field_error(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed(400, "malformed") from None
    refuse_control_characters(msgspec.structs.asdict(decoded))
    return decoded


def decode_query(query: MultiMapping[str], kind: type[_T]) -> _T:
    """A query string as ``kind``; parameters left empty count as absent. Raises Invalid."""
    values: dict[str, Any] = {}
    lists = {field.name for field in msgspec.structs.fields(kind) if _is_list(field.type)}
    for name in dict.fromkeys(query):
        given = [value for value in query.getall(name) if value != ""]
        if name in lists:
            values[name] = given
        elif len(given) > 1:
            raise Invalid(FieldError(name, "repeated"))
        elif given:
            values[name] = given[0]
    refuse_control_characters(values)
    try:
        return msgspec.convert(values, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(field_error(str(error))) from None


def refuse_control_characters(values: Mapping[str, Any]) -> None:
    """Raises Invalid naming every field that holds a control character, keys included."""
    errors: list[FieldError] = []
    _scan(values, "", errors)
    if errors:
        raise Invalid(*errors)


def _scan(value: Any, path: str, errors: list[FieldError]) -> None:
    if isinstance(value, str):
        if _CONTROL.search(value):
            errors.append(FieldError(path, "control_character"))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(key, str) and _CONTROL.search(key):
                errors.append(FieldError(path, "control_character"))
            else:
                _scan(inner, f"{path}.{key}" if path else str(key), errors)
    elif isinstance(value, list | tuple | set | frozenset):
        for index, inner in enumerate(value):
            _scan(inner, f"{path}[{index}]", errors)
    elif isinstance(value, msgspec.Struct):
        _scan(msgspec.structs.asdict(value), path, errors)


def field_error(message: str) -> FieldError:
    """msgspec's sentence as a field and a code of ours."""
    path = ""
    if match := _AT.search(message):
        path, message = match["path"], message[: match.start()]
    if match := _UNKNOWN_FIELD.match(message):
        # The name is the client's own: shown without what could mislead, and not at length.
        return FieldError(_joined(path, _CONTROL.sub("?", match["name"])[:100]), "unknown_field")
    if match := _MISSING_FIELD.match(message):
        return FieldError(_joined(path, match["name"]), "required")
    if match := _LENGTH.match(message):
        return _length_error(path, match)
    if match := _BOUND.match(message):
        too_big = match["sign"].startswith("<")
        name = "maximum" if too_big else "minimum"
        return FieldError(path, "too_big" if too_big else "too_small", ((name, match["bound"]),))
    if match := _EXPECTED.match(message):
        return FieldError(path, "wrong_type", (("expected", match["expected"].replace(" | ", ", ")),))
    if message.startswith("Invalid enum value"):
        return FieldError(path, "not_a_choice")
    if message == "Number out of range" or message.startswith("Integer value out of range"):
        return FieldError(path, "out_of_range")
    return FieldError(path, "wrong_format")


def _length_error(path: str, match: re.Match[str]) -> FieldError:
    too_long = match["sign"] == "<="
    of_text = match["type"] == "str"
    codes = ("too_long", "too_short") if of_text else ("too_many", "too_few")
    return FieldError(path, codes[not too_long], (("maximum" if too_long else "minimum", match["bound"]),))


def _is_list(kind: Any) -> bool:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return get_origin(kind) in (list, tuple)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
