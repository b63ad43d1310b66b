"""What people type when they look for a number, and spans of numbers that exist."""

import pytest
from ccserver.domain.did import read_span, sought_digits
from ccserver.domain.errors import Invalid


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("01 40", "140"),
        ("01.40-00", "14000"),
        ("+33 1 40", "33140"),
        ("0033140", "33140"),
        ("\u202f40\u00a000", "4000"),
        ("(40)", "40"),
        ("0", ""),
        ("04", ""),
        ("4", ""),
        ("", ""),
        ("Standard 2", ""),
        ("40x", ""),
        ("٤٠", ""),  # digits, but none of ours
    ],
)
def test_the_digits_within_a_number(text: str, digits: str) -> None:
    assert sought_digits(text) == digits


def test_a_span_is_read_as_in_its_country() -> None:
    assert read_span("01 40 00 00 00", "+33 1 49 99 99 99", "FR") == ("+33140000000", "+33149999999")


@pytest.mark.parametrize(
    ("first", "last", "field", "code"),
    [
        ("0140000001", "0140000000", "range.last", "range_order"),
        ("0140000001", "+442079460000", "range.last", "range_lengths"),
        ("x", "0140000000", "range.number", "number_format"),
        ("0140000000", "15", "range.last", "number_short"),
    ],
)
def test_a_span_that_is_none(first: str, last: str, field: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_span(first, last, "FR")
    assert [(error.field, error.code) for error in refused.value.errors] == [(field, code)]
