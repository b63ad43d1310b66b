"""What the dialplan does with callers whom nobody answers, where that hangs on what their number names first."""

from typing import Any

import pytest
from ccserver.domain.pbx import DestinationPbx, DidPbx, PbxModelError, ring
from ccserver.telephony.render import render

from tests.unit.telephony.test_render import model

NUMBER = "+33145670001"
VOICEMAIL = DestinationPbx(target="voicemail")
FORWARD = DestinationPbx(target="number", number="+33145670002", site="paris")


def fallback(**did: Any) -> list[str]:
    """What callers of the number go through without a server."""
    files = render(model(dids=(DidPbx(number=NUMBER, site="paris", **did),)))
    context = files["extensions.conf"].partition("\n[fallback]\n")[2].partition("\n[")[0]
    mine = context.partition(f"exten => {NUMBER},")[2].partition("exten =>")[0].splitlines()
    return [line.partition("n,")[2] for line in mine if line.startswith(" same")]


def test_who_cannot_be_reached_is_passed_over() -> None:
    steps = fallback(opened=DestinationPbx(target="unanswered"), unanswered=ring("1001"))
    assert "Goto(unanswered,${EXTEN},1)" in steps
    assert not any("Dial(" in step or "Hangup" in step for step in steps), "nobody is rung twice"


def test_nobody_is_passed_over_where_nobody_was_wanted() -> None:
    assert "Hangup(34)" in fallback(unanswered=VOICEMAIL)


def test_nobody_takes_over_from_nobody() -> None:
    with pytest.raises(PbxModelError):
        fallback(unanswered=DestinationPbx(target="unanswered"))


def test_a_short_ringing_leaves_time_for_the_next_trunk() -> None:
    assert "Set(CC_RING=12)" in fallback(opened=FORWARD, unanswered=VOICEMAIL, ring_seconds=5)
    assert "Set(CC_RING=20)" in fallback(opened=FORWARD, unanswered=VOICEMAIL, ring_seconds=20)
    phone = fallback(opened=ring("1001"), unanswered=VOICEMAIL, ring_seconds=5)
    assert "Dial(PJSIP/1001,5)" in phone, "a phone of ours has no trunk to fail"


@pytest.mark.parametrize("by_itself", [False, True])
def test_a_number_of_ours_that_passes_on_by_itself_goes_before_this_ones_third(by_itself: bool) -> None:
    forward = DestinationPbx(target="number", number=FORWARD.number, site="paris", relieved=by_itself)
    steps = fallback(opened=forward, unanswered=VOICEMAIL, ring_seconds=20)
    assert ("Set(CC_UNANSWERED=${EXTEN})" in steps) is not by_itself
    assert f"Set(CC_RING={240 if by_itself else 20})" in steps, "both of that number's are rung"
