"""A small language for call tests: a table of facts in, the calls they add up to out."""

from uuid import UUID

from ccserver.domain.call import Call
from ccserver.domain.callbook import CallBook, CallChange, Party
from ccserver.domain.telephony import (
    CallPlaced,
    ChannelCreated,
    ChannelGone,
    ChannelRinging,
    ChannelUp,
    HangupRequested,
    HoldChanged,
)

TENANT = UUID("01900000-0000-7000-8000-000000000001")
PARIS = UUID("01900000-0000-7000-8000-0000000000a1")
ALICE = UUID("01900000-0000-7000-8000-0000000000b1")
BOB = UUID("01900000-0000-7000-8000-0000000000b2")
CALL = UUID("01900000-0000-7000-8000-0000000000c1")
AGENT_LEG = f"cc-{CALL}-agent"
CUSTOMER_LEG = f"cc-{CALL}-customer"
T0 = 1_790_000_000.0


def resolve(endpoint: str) -> Party | None:
    """Two phones and one trunk."""
    people = {"1001": ALICE, "1002": BOB}
    if endpoint in people:
        return Party(tenant_id=TENANT, site_id=PARIS, agent_id=people[endpoint], extension=endpoint)
    if endpoint == "trunk-paris":
        return Party(tenant_id=TENANT, site_id=PARIS, trunk="paris")
    return None


def clean(raw: str, _site: UUID | None) -> str:
    """National French numbers only."""
    return "+33" + raw[1:] if raw.startswith("0") else raw


class Play:
    """Feeds one book; each method is a fact ``at`` seconds after T0."""

    def __init__(self) -> None:
        self.book = CallBook("test", resolve, clean)
        self.changes: list[CallChange] = []

    def feed(self, fact: object) -> "Play":
        change = self.book.apply(fact)  # type: ignore[arg-type]
        if change is not None:
            self.changes.append(change)
        return self

    def placed(self, at: float = 0.0) -> "Play":
        return self.feed(
            CallPlaced(
                at=T0 + at,
                call_id=CALL,
                tenant_id=TENANT,
                agent_id=ALICE,
                number="+33145000001",
                number_raw="01 45 00 00 01",
                our_number="+33162000001",
                site_id=PARIS,
                trunk="paris",
            )
        )

    def channel(
        self, at: float, uniqueid: str, name: str, linkedid: str = "", exten: str = "", caller: str = ""
    ) -> "Play":
        return self.feed(
            ChannelCreated(
                at=T0 + at,
                uniqueid=uniqueid,
                linkedid=linkedid or uniqueid,
                channel=f"PJSIP/{name}-00000001",
                endpoint=name,
                context="",
                exten=exten,
                caller=caller,
            )
        )

    def agent(self, at: float) -> "Play":
        return self.channel(at, AGENT_LEG, "1001")

    def customer(self, at: float) -> "Play":
        return self.channel(at, CUSTOMER_LEG, "trunk-paris", linkedid=AGENT_LEG)

    def rings(self, at: float, uniqueid: str) -> "Play":
        return self.feed(ChannelRinging(at=T0 + at, uniqueid=uniqueid))

    def up(self, at: float, uniqueid: str) -> "Play":
        return self.feed(ChannelUp(at=T0 + at, uniqueid=uniqueid))

    def hold(self, at: float, uniqueid: str, held: bool) -> "Play":
        return self.feed(HoldChanged(at=T0 + at, uniqueid=uniqueid, held=held))

    def asks(self, at: float, uniqueid: str) -> "Play":
        return self.feed(HangupRequested(at=T0 + at, uniqueid=uniqueid, cause=16))

    def gone(self, at: float, uniqueid: str, cause: int | None = 16, sip: int | None = None) -> "Play":
        return self.feed(ChannelGone(at=T0 + at, uniqueid=uniqueid, cause=cause, sip=sip))

    @property
    def call(self) -> Call:
        """The call as last changed."""
        return self.changes[-1].call

    @property
    def kinds(self) -> list[str]:
        """The timeline, by kinds."""
        return [moment.kind for change in self.changes for moment in change.moments]
