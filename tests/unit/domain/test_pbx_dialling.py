"""What the dialplan knows of a country's dialling is what the server knows of it, for any country."""

import re

import phonenumbers
import pytest
from ccserver.domain.errors import Invalid
from ccserver.domain.numbers import countries, is_emergency, is_number, is_short, to_e164
from ccserver.domain.pbx_dialling import dialling_plan, presented_forms, short_numbers
from ccserver.telephony.render import expression
from hypothesis import example, given
from hypothesis import strategies as st

COUNTRIES = sorted(countries())
KINDS = (
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.TOLL_FREE,
)


@given(st.sampled_from(COUNTRIES), st.from_regex(r"[0-9]{1,7}", fullmatch=True))
@example("FR", "3639")
@example("FR", "1234")
@example("AU", "000")
def test_a_short_number_is_one_for_both(country: str, number: str) -> None:
    assert (number in short_numbers(country) or is_emergency(number, country)) is is_short(number, country)


@pytest.mark.parametrize("country", COUNTRIES)
def test_short_numbers_are_written_in_the_expressions_of_posix(country: str) -> None:
    for pattern in short_numbers(country).patterns:
        written = expression(pattern)
        assert re.fullmatch(r"\^\([0-9()\[\]{}|,?-]+\)\$", written), written
        assert "(?" not in written and len(written) < 2000


@pytest.mark.parametrize("country", COUNTRIES)
def test_what_a_gateway_presents_is_read_as_the_number_that_it_is(country: str) -> None:
    """At home every form leads back to the number, as the server reads it; the national one is among them."""
    for kind in KINDS:
        parsed = phonenumbers.example_number_for_type(country, kind)
        if parsed is None:
            continue
        number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        forms = presented_forms(number, country)
        assert forms[0] == number and all(re.fullmatch(r"\+?[0-9]{4,20}", form) for form in forms)
        national = forms[1]
        try:
            read = to_e164(national, country)
        except Invalid:
            read = ""
        assert read in (number, ""), (number, forms)
        if read:
            assert len(phonenumbers.national_significant_number(parsed)) in dialling_plan(country).lengths


@given(
    st.sampled_from(COUNTRIES),
    st.sampled_from(COUNTRIES),
    st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
)
def test_numbers_of_one_country_have_forms_of_their_own(home: str, other: str, number: str) -> None:
    """No two numbers of a country are presented alike there."""
    sibling = number[:-1] + str((int(number[-1]) + 1) % 10)
    if is_number(number) and is_number(sibling):
        assert not set(presented_forms(number, home)) & set(presented_forms(sibling, home))
    assert presented_forms(number, other)[0] == number
