"""Telephone numbers, as people write them and as we keep them."""

import pytest
from ccserver.domain.errors import Invalid
from ccserver.domain.numbers import (
    EMERGENCY_FR,
    countries,
    is_emergency,
    is_short,
    national,
    to_e164,
)
from hypothesis import given
from hypothesis import strategies as st

PARIS = "+33123456789"


@pytest.mark.parametrize(
    "raw",
    [
        "0123456789",
        "01 23 45 67 89",
        "01.23.45.67.89",
        "01-23-45-67-89",
        "01\u00a023\u202f45 67 89",
        " 0123456789 ",
        "+33123456789",
        "+33 1 23 45 67 89",
        "+33 (0)1 23 45 67 89",
        "0033123456789",
        "tel:+33123456789",
    ],
)
def test_the_ways_of_writing_a_french_number(raw: str) -> None:
    assert to_e164(raw, "FR") == PARIS


@pytest.mark.parametrize(
    ("raw", "country", "kept"),
    [
        ("020 7946 0018", "GB", "+442079460018"),
        ("+44 20 7946 0018", "FR", "+442079460018"),
        ("0262 20 12 34", "RE", "+262262201234"),
        ("0590 81 12 34", "GP", "+590590811234"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("0 800 123 456", "FR", "+33800123456"),
        ("09 48 12 34 56", "FR", "+33948123456"),
        ("(202) 555-0123", "US", "+12025550123"),
    ],
)
def test_numbers_of_other_places_and_kinds(raw: str, country: str, kept: str) -> None:
    assert to_e164(raw, country) == kept


@pytest.mark.parametrize("number", sorted(EMERGENCY_FR))
def test_emergency_numbers_are_always_recognised(number: str) -> None:
    for country in ("FR", "RE", "GP", "MQ", "GF", "YT"):
        assert to_e164(number, country) == number
        assert is_emergency(number, country)
        assert is_short(number, country)
    assert national(number, "FR") == number


def test_emergency_numbers_written_with_spaces() -> None:
    assert to_e164("116 000", "FR") == "116000"
    assert to_e164(" 1 1 2 ", "FR") == "112"


@pytest.mark.parametrize(("number", "country"), [("999", "GB"), ("112", "DE"), ("911", "US"), ("112", "BE")])
def test_emergency_numbers_of_other_countries(number: str, country: str) -> None:
    assert is_emergency(number, country)
    assert to_e164(number, country) == number


def test_short_numbers_are_kept_or_refused_where_they_cannot_be_used() -> None:
    assert to_e164("3639", "FR") == "3639"
    assert is_short("3639", "FR") and not is_emergency("3639", "FR")
    with pytest.raises(Invalid) as error:
        to_e164("3639", "FR", short=False, field="caller_id")
    assert [(e.field, e.code) for e in error.value.errors] == [("caller_id", "number_short")]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "number_format"),
        ("hello", "number_format"),
        ("0800 FLOWERS", "number_format"),
        ("01 23 45 67 89;ext=1", "number_format"),
        ("0123456789\r\nAction: Originate", "number_format"),
        ("0123456789,,1", "number_format"),
        ("٠١٢٣٤٥٦٧٨٩", "number_format"),
        ("+", "number_format"),
        ("1" * 41, "number_format"),
        ("1" * 30, "number_unknown"),
        ("0", "number_unknown"),
        ("999", "number_unknown"),
        ("01 23 45 67", "number_unknown"),
        ("0123456789012", "number_unknown"),
        ("+999123456789", "number_unknown"),
        ("+33 15", "number_unknown"),
    ],
)
def test_what_is_no_number_is_refused(raw: str, code: str) -> None:
    with pytest.raises(Invalid) as error:
        to_e164(raw, "FR")
    assert [(e.field, e.code) for e in error.value.errors] == [("number", code)]


@pytest.mark.parametrize(
    ("number", "country", "shown"),
    [
        (PARIS, "FR", "01 23 45 67 89"),
        ("+33612345678", "FR", "06 12 34 56 78"),
        ("+33800123456", "FR", "0 800 12 34 56"),
        (PARIS, "GB", "+33 1 23 45 67 89"),
        ("+442079460018", "FR", "+44 20 7946 0018"),
        ("+262262201234", "RE", "0262 20 12 34"),
        ("15", "FR", "15"),
        ("1001", "FR", "1001"),
        ("", "FR", ""),
        ("anonymous", "FR", "anonymous"),
        ("+", "FR", "+"),
        ("+1", "FR", "+1"),
    ],
)
def test_numbers_are_shown_as_the_country_writes_them(number: str, country: str, shown: str) -> None:
    assert national(number, country).replace("\u00a0", " ") == shown


@given(st.text(max_size=60), st.sampled_from(sorted(countries())))
def test_any_text_is_a_number_or_invalid(raw: str, country: str) -> None:
    try:
        kept = to_e164(raw, country)
    except Invalid:
        return
    assert kept.isascii()
    assert kept.removeprefix("+").isdigit()
    assert kept.startswith("+") or is_short(kept, country)


@given(st.from_regex(r"0[1-79][0-9]{8}", fullmatch=True))
def test_a_kept_number_is_read_back_as_itself(raw: str) -> None:
    try:
        kept = to_e164(raw, "FR")
    except Invalid:
        return
    assert to_e164(kept, "FR") == kept
    assert to_e164(kept, "GB") == kept
    assert to_e164(national(kept, "FR"), "FR") == kept
    assert to_e164(national(kept, "US"), "US") == kept


@given(st.text(max_size=30), st.sampled_from(["FR", "GB", "US", "XX", ""]))
def test_showing_never_fails(number: str, country: str) -> None:
    assert isinstance(national(number, country), str)
