"""Stations: which extensions can be given out, ranges, mobiles."""

import pytest
from ccserver.domain.errors import Invalid
from ccserver.domain.passwords import ALPHABET
from ccserver.domain.pbx_phones import PhonePbx
from ccserver.domain.station import (
    SECRET_LENGTH,
    Station,
    extension_errors,
    extension_range,
    mobile_number,
)
from hypothesis import given
from hypothesis import strategies as st


def _codes(extension: str, country: str = "FR") -> list[str]:
    return [error.code for error in extension_errors(extension, country)]


@pytest.mark.parametrize("extension", ["10", "1001", "000000", "999999", "3639"])
def test_extensions_that_can_be_given_out(extension: str) -> None:
    assert _codes(extension) == []


@pytest.mark.parametrize(
    "extension", ["", "1", "1234567", "12a4", "1&2", "${X}", "10\n", "٣٤٥", "1 0", "_1X", "+12"]
)
def test_what_is_no_extension(extension: str) -> None:
    assert _codes(extension) == ["extension_format"]


@pytest.mark.parametrize(
    ("extension", "country"),
    [
        ("15", "FR"),
        ("17", "FR"),
        ("112", "FR"),
        ("116117", "FR"),
        ("112", "GB"),
        ("999", "GB"),
        ("911", "US"),
    ],
)
def test_an_emergency_number_is_nobodys_extension(extension: str, country: str) -> None:
    assert _codes(extension, country) == ["extension_emergency"]


def test_a_range_is_whole() -> None:
    assert extension_range("1001", "", "FR") == ("1001",)
    assert extension_range("0098", "0101", "FR") == ("0098", "0099", "0100", "0101")
    assert len(extension_range("1000", "1099", "FR")) == 100


@pytest.mark.parametrize(
    ("first", "last", "field", "code"),
    [
        ("1", "", "extension", "extension_format"),
        ("1001", "x", "last", "extension_format"),
        ("1001", "10001", "last", "range_lengths"),
        ("1002", "1001", "last", "range_order"),
        ("1000", "1100", "last", "range_too_long"),
        ("10", "20", "last", "extension_emergency"),
        ("15", "16", "extension", "extension_emergency"),
    ],
)
def test_ranges_that_are_refused(first: str, last: str, field: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        extension_range(first, last, "FR")
    assert [(error.field, error.code) for error in refused.value.errors] == [(field, code)]


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_range_never_holds_what_may_not_be_given_out(first: str, last: str) -> None:
    try:
        made = extension_range(first, last, "FR")
    except Invalid:
        return
    assert 1 <= len(made) <= 100 and len(set(made)) == len(made)
    assert not [extension for extension in made if extension_errors(extension, "FR")]


@pytest.mark.parametrize(
    ("raw", "country", "kept"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("+33 6 12 34 56 78", "FR", "+33612345678"),
        ("612345678", "FR", "+33612345678"),
        ("079 123 45 67", "CH", "+41791234567"),
    ],
)
def test_a_mobile_is_kept_in_one_form(raw: str, country: str, kept: str) -> None:
    assert mobile_number(raw, country) == kept


@pytest.mark.parametrize(
    ("raw", "code"), [("", "required"), (" ", "required"), ("15", "number_short"), ("1&2", "number_format")]
)
def test_what_is_no_mobile(raw: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        mobile_number(raw, "FR")
    assert refused.value.errors[0].code == code


def test_a_mobile_has_no_account_and_a_browser_sets_itself_up() -> None:
    assert [kind for kind in Station if not kind.has_endpoint] == [Station.MOBILE]
    assert [kind for kind in Station if kind.is_provisioned] == [Station.SOFTPHONE, Station.PHYSICAL]


@given(st.text(alphabet=ALPHABET, min_size=SECRET_LENGTH, max_size=SECRET_LENGTH))
def test_asterisk_can_carry_every_secret(secret: str) -> None:
    made = PhonePbx(extension="1001", secret=secret, site="paris", display_name="A", agent_id="a")
    assert made.secret == secret
