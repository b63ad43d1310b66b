"""Numbers as trunks want them, what a site may call, and which trunk a call tries: tables and any string at all."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from ccserver.domain.dialling import allowed, for_trunk, shown_on
from ccserver.domain.directory import Destination, Did, Directory, Route, Site, Trunk
from ccserver.domain.errors import Invalid
from ccserver.domain.numbers import is_number, to_e164
from ccserver.domain.routing import arrival, dial_string, shown_number, ways_out
from ccserver.domain.schedule import Schedule
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

TENANT, PARIS, LYON = UUID(int=1), UUID(int=2), UUID(int=3)
NOW = 1_790_000_000.0


def site(site_id: UUID = PARIS, slug: str = "paris", **more: Any) -> Site:
    return Site(
        id=site_id,
        tenant_id=TENANT,
        slug=slug,
        name=slug,
        zone="Europe/Paris",
        country="FR",
        caller_id="+33145670000",
        **more,
    )


def trunk(slug: str = "a", site_id: UUID = PARIS, priority: int = 1, **more: Any) -> Trunk:
    return Trunk(
        id=UUID(bytes=slug.encode().ljust(16, b".")[:16]),
        tenant_id=TENANT,
        site_id=site_id,
        slug=slug,
        host="10.0.0.1",
        port=5060,
        codecs=("alaw",),
        priority=priority,
        **more,
    )


def route(number: int, to: Trunk, prefix: str = "", priority: int = 1, site_id: UUID = PARIS) -> Route:
    return Route(
        id=UUID(int=100 + number),
        tenant_id=TENANT,
        site_id=site_id,
        trunk_id=to.id,
        prefix=prefix,
        priority=priority,
    )


@pytest.mark.parametrize(
    ("number", "how", "prefix", "dialled", "shown"),
    [
        ("+33145670001", "national", "", "0145670001", "0145670001"),
        ("+442079460001", "national", "", "00442079460001", "00442079460001"),
        ("+33145670001", "e164", "", "+33145670001", "+33145670001"),
        ("+33145670001", "digits", "", "33145670001", "33145670001"),
        ("+33145670001", "national", "0", "00145670001", "0145670001"),
        ("+33145670001", "e164", "*9", "*9+33145670001", "+33145670001"),
        ("112", "e164", "", "112", "112"),
        ("15", "digits", "9", "915", "15"),
        ("3639", "national", "", "3639", "3639"),
    ],
)
def test_a_number_leaves_in_the_form_that_the_trunk_wants(
    number: str, how: str, prefix: str, dialled: str, shown: str
) -> None:
    way = trunk(number_format=how, dial_prefix=prefix)
    assert for_trunk(number, way, "FR") == dialled
    assert shown_on(number, way, "FR") == shown


@given(st.text(max_size=40), st.sampled_from(["national", "e164", "digits"]), st.text(max_size=10))
def test_nothing_but_what_a_keypad_has_ever_reaches_a_dial_string(text: str, how: str, prefix: str) -> None:
    way = trunk(number_format=how, dial_prefix=prefix)
    directory = Directory(sites=[site()], trunks=[way])
    try:
        dialled = dial_string(directory, way, text, site())
    except ValueError:
        return
    assert dialled.startswith("PJSIP/")
    if "/sip:" in dialled:
        user = dialled.partition("/sip:")[2].partition("@")[0]
        assert set(user) <= set("+0123456789*%23")
    else:
        user, _, endpoint = dialled[6:].partition("@")
        assert endpoint == "trunk-a" and set(user) <= set("+0123456789*#")


def test_an_emergency_call_goes_to_the_gateways_address() -> None:
    way = trunk(dial_prefix="#9", transport="tls")
    directory = Directory(sites=[site()], trunks=[way])
    assert (
        dial_string(directory, way, "112", site()) == "PJSIP/trunk-a/sip:%239112@10.0.0.1:5060;transport=tls"
    )


@pytest.mark.parametrize(
    ("prefixes", "number", "expected"),
    [
        ((), "+442079460001", True),
        ((), "00999", True),
        (("+33",), "+33145670001", True),
        (("+33",), "+442079460001", False),
        (("+331", "+44"), "+33612345678", False),
        (("+331", "+44"), "+442079460001", True),
        (("+331",), "112", True),
        (("+331",), "3639", True),
        # Digits of no plan could lead anywhere.
        (("+331",), "00882123456", False),
        (("+331",), "", False),
    ],
)
def test_what_a_site_may_call(prefixes: tuple[str, ...], number: str, expected: bool) -> None:
    assert allowed(site(allowed_prefixes=prefixes), number) is expected


@given(
    st.from_regex(r"\+[1-9][0-9]{5,14}", fullmatch=True),
    st.lists(st.from_regex(r"\+[1-9][0-9]{0,6}", fullmatch=True), max_size=4),
)
def test_a_number_is_allowed_when_a_prefix_begins_it(number: str, prefixes: list[str]) -> None:
    expected = not prefixes or (is_number(number) and any(number.startswith(prefix) for prefix in prefixes))
    assert allowed(site(allowed_prefixes=tuple(prefixes)), number) is expected


@pytest.mark.parametrize(
    ("raw", "area", "expected"),
    [
        ("45 67 00 01", "01", "+33145670001"),
        ("01 45 67 00 01", "04", "+33145670001"),
        ("112", "01", "112"),
        ("+33 1 45 67 00 01", "04", "+33145670001"),
        ("06 12 34 56 78", "01", "+33612345678"),
    ],
)
def test_a_local_number_gets_the_area_of_its_site(raw: str, area: str, expected: str) -> None:
    assert to_e164(raw, "FR", area=area) == expected


def test_an_area_makes_no_number_of_what_is_none() -> None:
    for raw in ("45 67", "+45 67 00", "0"):
        with pytest.raises(Invalid):
            to_e164(raw, "FR", area="01")


@dataclass
class Lines:
    """Paris with two trunks, Lyon with one; routes as the test wants them."""

    first = trunk("first", priority=1)
    second = trunk("second", priority=2)
    lyon = trunk("lyon", LYON)

    def ways(
        self, number: str, *routes: Route, down: tuple[str, ...] = (), refused: tuple[str, ...] = ()
    ) -> list[str]:
        directory = Directory(
            sites=[site(), site(LYON, "lyon")], trunks=[self.first, self.second, self.lyon], routes=routes
        )
        found = ways_out(
            directory,
            site(),
            number,
            lambda slug: slug not in (*down, *refused),
            lambda slug: slug not in down,
        )
        return [way.slug for way in found]


def test_ways_are_tried_by_prefix_then_priority_and_the_dead_last() -> None:
    lines = Lines()
    assert lines.ways("+33145670001") == ["first", "second"]
    assert lines.ways("+33145670001", down=("first",)) == ["second", "first"]
    assert lines.ways("+442079460001", route(1, lines.lyon, "+44")) == ["lyon", "first", "second"]
    assert lines.ways("+33145670001", route(1, lines.lyon, "+44")) == ["first", "second"]
    both = (route(1, lines.lyon, "+4"), route(2, lines.second, "+44"))
    assert lines.ways("+442079460001", *both) == ["second", "lyon", "first"]
    assert lines.ways("+442079460001", *both, down=("second", "first")) == ["lyon", "second", "first"]


def test_an_emergency_call_leaves_where_the_caller_is() -> None:
    lines = Lines()
    everything = route(1, lines.lyon)
    assert lines.ways("+33145670001", everything)[0] == "lyon"
    assert lines.ways("112", everything) == ["first", "second", "lyon"]
    assert lines.ways("112", everything, down=("first",)) == ["second", "lyon", "first"]


def test_a_login_that_is_not_accepted_sends_no_emergency_call_to_another_place() -> None:
    lines = Lines()
    everything = route(1, lines.lyon)
    refused = ("first", "second")
    assert lines.ways("+33145670001", everything, refused=refused)[0] == "lyon"
    assert lines.ways("17", everything, refused=refused) == ["first", "second", "lyon"]
    assert lines.ways("17", everything, refused=("second",), down=("first",)) == ["second", "lyon", "first"]


@given(
    st.lists(st.tuples(st.sampled_from(["", "+3", "+33", "+331", "+44"]), st.integers(0, 2)), max_size=6),
    st.sets(st.sampled_from(["first", "second", "lyon"])),
)
def test_a_sites_own_trunks_are_always_among_its_ways_and_each_is_tried_once(
    rules: list[tuple[str, int]], down: set[str]
) -> None:
    lines = Lines()
    targets = (lines.first, lines.second, lines.lyon)
    routes = [route(index, targets[to], prefix) for index, (prefix, to) in enumerate(rules)]
    found = lines.ways("+33145670001", *routes, down=tuple(down))
    assert {"first", "second"} <= set(found) and len(found) == len(set(found))
    up = [slug for slug in found if slug not in down]
    assert found[: len(up)] == up, "those that are down come last"


NEVER = Schedule(id=UUID(int=50), tenant_id=TENANT, name="never", zone="Europe/Paris")


def did(number: str, opened: Destination, closed: Destination | None = None, *, shut: bool = False) -> Did:
    return Did(
        id=UUID(int=int(number[1:]) % 2**64),
        tenant_id=TENANT,
        number=number,
        site_id=PARIS,
        user_id=opened.user_id,
        label="",
        schedule_id=NEVER.id if shut else None,
        opened=opened,
        closed=closed or Destination(),
    )


def to_number(number: str) -> Destination:
    return Destination(target="number", forward_to=number)


ONE, TWO, OUT = "+33145670001", "+33145670002", "+33612345678"
VOICEMAIL = Destination(target="voicemail")


@pytest.mark.parametrize(
    ("dids", "target", "number", "opened"),
    [
        ([did(ONE, VOICEMAIL)], "voicemail", ONE, True),
        ([did(ONE, VOICEMAIL, shut=True)], "none", ONE, False),
        ([did(ONE, Destination(), VOICEMAIL, shut=True)], "voicemail", ONE, False),
        ([did(ONE, to_number(OUT))], "number", ONE, True),
        # One of our own numbers: its caller never leaves the house.
        ([did(ONE, to_number(TWO)), did(TWO, VOICEMAIL)], "voicemail", TWO, True),
        ([did(ONE, to_number(TWO)), did(TWO, Destination(), VOICEMAIL, shut=True)], "voicemail", TWO, False),
        ([did(ONE, to_number(TWO)), did(TWO, to_number(ONE))], "none", TWO, True),
        ([did(ONE, to_number(ONE))], "none", ONE, True),
    ],
)
def test_where_callers_go(dids: list[Did], target: str, number: str, opened: bool) -> None:
    found = arrival(Directory(dids=dids, schedules=[NEVER]), ONE, NOW)
    assert found is not None and found.called.number == ONE
    assert (found.destination.target, found.did.number, found.opened) == (target, number, opened)


def test_another_organisations_number_is_called_like_any_other() -> None:
    theirs = replace(did(TWO, VOICEMAIL), tenant_id=UUID(int=9))
    found = arrival(Directory(dids=[did(ONE, to_number(TWO)), theirs]), ONE, NOW)
    assert found is not None
    assert (found.did.number, found.destination) == (ONE, to_number(TWO))


def test_a_number_that_is_not_ours_leads_nowhere() -> None:
    assert arrival(Directory(), ONE, NOW) is None


def test_a_site_without_a_number_of_its_own_shows_one_of_its_dids() -> None:
    bare = replace(site(), caller_id="")
    assert shown_number(Directory(sites=[bare], dids=[did(TWO, VOICEMAIL), did(ONE, VOICEMAIL)]), bare) == ONE
    assert shown_number(Directory(), bare) == ""
    assert shown_number(Directory(), site()) == "+33145670000"


@pytest.mark.parametrize(
    "number", ["+33000442079460001", "+330442079460001", "+3300442079460001", "+33899", "+331456700011"]
)
def test_a_rule_is_not_got_round_by_what_is_no_number(number: str) -> None:
    """+33 000 44... is written 00 44... at home: a call to Great Britain."""
    assert not allowed(site(allowed_prefixes=("+33",)), number)
    assert allowed(site(), number)


@given(
    st.from_regex(r"\+(?:33|44|1|39|34)0{0,3}1{0,3}[0-9]{5,12}", fullmatch=True),
    st.sampled_from(("FR", "GB", "IT")),
)
def test_what_may_be_called_is_what_is_dialled(number: str, country: str) -> None:
    ruled = site(allowed_prefixes=("+33", "+44", "+1", "+39", "+34"))
    if allowed(ruled, number):
        assert to_e164(for_trunk(number, trunk(), country), country) == number
