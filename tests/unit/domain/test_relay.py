"""Whom nobody answers: to whom the number's third destination sends him, and when he hears that nobody is there."""

from dataclasses import replace
from uuid import UUID

from ccserver.domain import connect
from ccserver.domain.call import Call
from ccserver.domain.callmachine import apply_routed, restored
from ccserver.domain.channels import next_channel, our_role, relays_of
from ccserver.domain.connect import Connection, Do, Kind, Stage
from ccserver.domain.directory import Agent, Destination, Did, Directory, Site
from ccserver.domain.routing import arrival
from ccserver.domain.schedule import Schedule, prepare
from ccserver.domain.telephony import CallRouted
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from tests.unit.domain.book import Play

TENANT, SITE, ALICE, BOB, NEVER = (UUID(int=n) for n in range(1, 6))
FIRST, SECOND, THIRD, OUTSIDE = "+33145670001", "+33145670002", "+33145670003", "+33612345678"
AT = 1790000000.0


def agent(user_id: UUID) -> Destination:
    return Destination(target="agent", user_id=user_id)


def forward(number: str) -> Destination:
    return Destination(target="number", forward_to=number)


def did(number: str, opened: Destination, unanswered: Destination, **more: object) -> Did:
    return Did(
        id=UUID(int=int(number[1:])),
        tenant_id=TENANT,
        number=number,
        site_id=SITE,
        user_id=None,
        label="",
        opened=opened,
        unanswered=unanswered,
        **more,  # type: ignore[arg-type]
    )


def directory(*dids: Did) -> Directory:
    closed = Schedule(id=NEVER, tenant_id=TENANT, name="never", zone="Europe/Paris")
    prepare([closed], AT)
    site = Site(
        id=SITE, tenant_id=TENANT, slug="p", name="P", zone="Europe/Paris", country="FR", caller_id=""
    )
    people = [
        Agent(
            id=user, tenant_id=TENANT, login="x", name="X", site_id=SITE, extension=str(n + 101), active=True
        )
        for n, user in enumerate((ALICE, BOB))
    ]
    return Directory(agents=people, sites=[site], dids=dids, schedules=[closed])


def test_the_third_destination_comes_once_and_then_nobody() -> None:
    known = directory(did(FIRST, agent(ALICE), agent(BOB), ring_seconds=10))
    first = arrival(known, FIRST, AT)
    assert first is not None and first.relieved
    assert (first.destination.user_id, first.ring_seconds, first.relays) == (ALICE, 10, 0)
    second = arrival(known, FIRST, AT, 1)
    assert second is not None and not second.relieved
    assert (second.destination.user_id, second.ring_seconds, second.relays) == (BOB, 30, 1)
    assert arrival(known, FIRST, AT, 2) is None


def test_without_one_nobody_is_next_and_the_ringing_is_as_long_as_chosen() -> None:
    where = arrival(directory(did(FIRST, agent(ALICE), Destination(), ring_seconds=12)), FIRST, AT)
    assert where is not None
    assert (where.relieved, where.ring_seconds) == (False, 12)


def test_outside_hours_it_is_the_same_third_destination() -> None:
    number = did(FIRST, agent(ALICE), Destination(target="voicemail"), closed=agent(BOB), schedule_id=NEVER)
    where = arrival(directory(number), FIRST, AT)
    assert where is not None and (where.destination.user_id, where.opened) == (BOB, False)
    after = arrival(directory(number), FIRST, AT, 1)
    assert after is not None and after.destination.target == "voicemail"


def test_a_number_of_ours_that_takes_over_has_its_own_hours_and_its_own_third_destination() -> None:
    known = directory(
        did(FIRST, agent(ALICE), forward(SECOND)),
        did(SECOND, agent(BOB), forward(OUTSIDE), ring_seconds=40),
    )
    second, third = arrival(known, FIRST, AT, 1), arrival(known, FIRST, AT, 2)
    assert second is not None and third is not None
    assert (second.called.number, second.did.number, second.destination.user_id) == (FIRST, SECOND, BOB)
    assert (second.ring_seconds, second.relieved) == (40, True)
    assert (third.destination.forward_to, third.relieved) == (OUTSIDE, False)


@given(
    ways=st.lists(
        st.tuples(*[st.sampled_from([forward(n) for n in (FIRST, SECOND, THIRD)] + [agent(ALICE)])] * 2),
        min_size=3,
        max_size=3,
    )
)
def test_whatever_circle_somebody_made_a_caller_is_not_sent_on_for_ever(
    ways: list[tuple[Destination, Destination]],
) -> None:
    numbers = zip((FIRST, SECOND, THIRD), ways, strict=True)
    known = directory(*(did(number, opened, after) for number, (opened, after) in numbers))
    assert arrival(known, FIRST, AT, 7) is None


def waiting() -> Connection:
    names = {"a_id": "caller", "b_id": f"cc-{UUID(int=9)}-agent", "bridge_id": "x"}
    fresh = Connection(call_id=UUID(int=9), kind=Kind.INBOUND, relieved=True, **names)  # type: ignore[arg-type]
    return connect.begin(fresh)[0]


def test_a_caller_is_relayed_only_while_he_waits_unanswered() -> None:
    begun = waiting()
    asked = connect.b_up(replace(begun, confirm=True))[0]
    assert asked.b is Stage.ASKED, "a mobile's voicemail, perhaps"
    for still in (begun, connect.b_rings(begun)[0], asked):
        assert connect.relays(still, begun.b_id)
        assert not connect.relays(still, begun.a_id), "the caller himself has gone"
        assert not connect.relays(replace(still, relieved=False), begun.b_id)
        assert not connect.relays(connect.hang_up(still)[0], begun.b_id), "somebody ends the call"
    joined = connect.b_up(begun)
    assert Do.BRIDGE in [action.do for action in joined[1]]
    assert not connect.relays(joined[0], begun.b_id), "answered, and over"


def test_channels_tell_which_party_of_ours_they_are() -> None:
    call = UUID(int=9)
    for relays in (0, 1, 5):
        first = f"cc-{call}-{our_role(relays)}"
        assert [relays_of(name) for name in (first, next_channel(first))] == [relays, relays]
    for other in (f"cc-{call}-customer", f"cc-{call}-customer-2", "1790000000.7", "PJSIP/1001-agent"):
        assert relays_of(other) is None


def test_the_timeline_tells_the_relay_and_the_call_whose_it_is_now() -> None:
    call = Play().channel(0, "1790000000.7", "trunk-paris", exten="0162000010", caller="0612345678").call
    mobile = CallRouted(at=1.0, call_id=call.id, target="mobile", to=OUTSIDE)
    call, moments = apply_routed(call, mobile)
    assert (call.party, call.relays, moments[0].detail) == (OUTSIDE, 0, OUTSIDE)
    second = CallRouted(at=1.0, call_id=call.id, target="agent", to="1002", relays=1, opened=False)
    call, more = apply_routed(call, second)
    assert (call.party, call.relays) == ("", 1)
    assert (more[0].kind, more[0].role, more[0].detail) == ("routed", "agent", "unanswered 1002")
    keys = {(moment.at, moment.kind, moment.uniqueid) for moment in (*moments, *more)}
    assert len(keys) == 2, "both at one instant are two lines of the history"


def test_a_restored_call_knows_how_often_it_was_relayed() -> None:
    play = Play().channel(0, "1790000000.7", "trunk-paris", exten="0162000010", caller="0612345678")
    name = f"cc-{play.call.id}-{our_role(1)}"
    grown: Call = play.channel(1, name, "1002", linkedid="1790000000.7").call
    assert grown.relays == 1
    assert restored(changed(grown, relays=0)).relays == 1


def test_a_number_of_ours_without_a_third_destination_leaves_the_callers_to_that_of_the_number_before() -> (
    None
):
    known = directory(
        did(FIRST, forward(SECOND), Destination(target="voicemail"), ring_seconds=10),
        did(SECOND, agent(BOB), Destination(), ring_seconds=40),
    )
    first, second = arrival(known, FIRST, AT), arrival(known, FIRST, AT, 1)
    assert first is not None and second is not None
    assert (first.did.number, first.destination.user_id) == (SECOND, BOB)
    assert (first.ring_seconds, first.relieved) == (10, True), "who passes on says after how long"
    assert second.destination.target == "voicemail"
    assert second.did.number == FIRST, "the message is for the number that offers to take one"
    assert arrival(known, FIRST, AT, 2) is None


def test_a_number_of_ours_with_a_third_destination_goes_before_that_of_the_number_before() -> None:
    known = directory(
        did(FIRST, forward(SECOND), Destination(target="voicemail"), ring_seconds=10),
        did(SECOND, agent(BOB), forward(OUTSIDE), ring_seconds=40),
    )
    first, second = arrival(known, FIRST, AT), arrival(known, FIRST, AT, 1)
    assert first is not None and second is not None
    assert (first.ring_seconds, second.did.number, second.destination.forward_to) == (40, SECOND, OUTSIDE)


def test_a_restored_call_names_the_party_that_it_had_last() -> None:
    play = Play().channel(0, "1790000000.7", "trunk-paris", exten="0162000010", caller="0612345678")
    name = f"cc-{play.call.id}-{our_role(0)}"
    play.feed(CallRouted(at=1.0, call_id=play.call.id, target="mobile", to=OUTSIDE))
    outside = play.channel(1, name, "trunk-paris", linkedid="1790000000.7").call
    assert restored(changed(outside, party="")).party == OUTSIDE
    name = f"cc-{play.call.id}-{our_role(1)}"
    inside = play.gone(2, f"cc-{play.call.id}-{our_role(0)}", 19).channel(3, name, "1002").call
    assert restored(changed(inside, party="")).party == ""
