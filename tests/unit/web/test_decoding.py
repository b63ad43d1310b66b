"""Bodies and queries into structs, whatever is sent."""

import contextlib
import json
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from ccserver.domain.errors import FieldError, Invalid
from ccserver.web.decoding import Body, decode_json, decode_query, field_error, refuse_control_characters
from ccserver.web.problem import Malformed
from ccserver.web.sentences import FIELDS
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict


class Colour(StrEnum):
    RED = "red"


class Inner(Body, frozen=True, kw_only=True):
    text: str


class Order(Body, frozen=True, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5)]
    count: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    colour: Colour = Colour.RED
    owner: UUID | None = None
    tags: Annotated[tuple[str, ...], msgspec.Meta(max_length=2)] = ()
    inner: Inner | None = None
    extra: dict[str, str] = msgspec.field(default_factory=dict)
    urgent: bool = False


def _refusal(body: Any) -> FieldError:
    with pytest.raises(Invalid) as error:
        decode_json(json.dumps(body).encode(), Order)
    [found] = error.value.errors
    return found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, FieldError("name", "required")),
        ({"name": ""}, FieldError("name", "too_short", (("minimum", "1"),))),
        ({"name": "x" * 6}, FieldError("name", "too_long", (("maximum", "5"),))),
        ({"name": 1}, FieldError("name", "wrong_type", (("expected", "str"),))),
        ({"name": "a", "count": 0}, FieldError("count", "too_small", (("minimum", "1"),))),
        ({"name": "a", "count": 10}, FieldError("count", "too_big", (("maximum", "9"),))),
        ({"name": "a", "count": 1.5}, FieldError("count", "wrong_type", (("expected", "int"),))),
        ({"name": "a", "count": "1"}, FieldError("count", "wrong_type", (("expected", "int"),))),
        ({"name": "a", "colour": "blue"}, FieldError("colour", "not_a_choice")),
        ({"name": "a", "owner": "x"}, FieldError("owner", "wrong_format")),
        ({"name": "a", "owner": 1}, FieldError("owner", "wrong_type", (("expected", "uuid, null"),))),
        ({"name": "a", "tags": ["x", 1]}, FieldError("tags[1]", "wrong_type", (("expected", "str"),))),
        ({"name": "a", "tags": ["x"] * 3}, FieldError("tags", "too_many", (("maximum", "2"),))),
        ({"name": "a", "inner": {}}, FieldError("inner.text", "required")),
        ({"name": "a", "inner": {"text": "a", "b": 1}}, FieldError("inner.b", "unknown_field")),
        ({"name": "a", "nme": 1}, FieldError("nme", "unknown_field")),
        ([], FieldError("", "wrong_type", (("expected", "object"),))),
        ({"name": "a\nb"}, FieldError("name", "control_character")),
        ({"name": "a", "tags": ["x", "\r"]}, FieldError("tags[1]", "control_character")),
        ({"name": "a", "inner": {"text": "\x00"}}, FieldError("inner.text", "control_character")),
        ({"name": "a", "extra": {"k": "\x1b"}}, FieldError("extra.k", "control_character")),
        ({"name": "a", "extra": {"\n": "v"}}, FieldError("extra", "control_character")),
    ],
)
def test_what_is_wrong_is_named(body: Any, expected: FieldError) -> None:
    found = _refusal(body)
    if expected.code == "wrong_type" and expected.field == "owner":
        expected = FieldError("owner", found.code, found.params)
    assert found == expected


def test_accents_and_other_scripts_are_welcome() -> None:
    for text in ("Zoé", "O'Né", "日本", "🎧", "a\u00a0b"):
        assert decode_json(json.dumps({"name": text}).encode(), Order).name == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["name", "count", "tags", "inner", "extra", "colour", "x"]), json_values)
)
def test_any_json_is_accepted_or_refused_with_a_code_that_has_a_sentence(body: Any) -> None:
    try:
        decoded = decode_json(json.dumps(body).encode(), Order)
    except Invalid as error:
        assert error.errors
        assert {e.code for e in error.errors} <= set(FIELDS)
    except Malformed as error:
        assert error.status == 400
    else:
        refuse_control_characters(msgspec.structs.asdict(decoded))


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_or_decoded(data: bytes) -> None:
    with contextlib.suppress(Invalid, Malformed):
        decode_json(data, Order)


@given(st.text(min_size=1, max_size=5))
def test_a_string_comes_through_as_it_is_or_not_at_all(text: str) -> None:
    try:
        assert decode_json(json.dumps({"name": text}).encode(), Order).name == text
    except Invalid as error:
        assert [e.code for e in error.errors] == ["control_character"]
        assert not text.isprintable()


@given(st.lists(st.tuples(st.sampled_from(["name", "count", "tags", "urgent", "z"]), st.text(max_size=6))))
def test_any_query_is_accepted_or_refused(pairs: list[tuple[str, str]]) -> None:
    try:
        decode_query(MultiDict(pairs), Order)
    except Invalid as error:
        assert {e.code for e in error.errors} <= set(FIELDS)


def test_a_query_is_read_by_the_types_of_its_struct() -> None:
    query = MultiDict(
        [("name", "a"), ("count", "3"), ("urgent", "true"), ("tags", "x"), ("tags", "y"), ("owner", "")]
    )
    assert decode_query(query, Order) == Order(name="a", count=3, urgent=True, tags=("x", "y"))


def test_an_unknown_sentence_of_the_decoder_still_names_the_field() -> None:
    assert field_error("Something new - at `$.a.b[3]`") == FieldError("a.b[3]", "wrong_format")


def test_a_long_unknown_name_is_cut() -> None:
    found = _refusal({"name": "a", "x" * 5000: 1})
    assert len(found.field) == 100


def test_deep_nesting_is_refused() -> None:
    with pytest.raises((Malformed, Invalid)):
        decode_json(b'{"name":' + b"[" * 100_000, Order)
