"""Which way a call goes: the trunks that a call of a site tries, and where callers of a number go. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from ccserver.domain.dialling import for_trunk
from ccserver.domain.directory import RING_SECONDS, Destination, Did, Directory, Site, Trunk
from ccserver.domain.numbers import is_emergency

_NOBODY = Destination()
_FORWARDS = 5
"""So many of our own numbers may forward to one another; beyond that it is a circle."""


def ways_out(
    directory: Directory, site: Site, number: str, up: Callable[[str], bool], answers: Callable[[str], bool]
) -> tuple[Trunk, ...]:
    """The trunks that a call of ``site`` to ``number`` tries, one after another.

    ``up(slug)``: whether a trunk is thought reachable; those that are not are tried last, for what is thought may be
    late. An emergency call leaves by the site's own trunks whatever its routes say: another place's gateway would
    reach another place's rescuers. For it only ``answers(slug)`` counts, whether a trunk answers its keep-alive, as in
    the dialplan: a login that is not accepted (or not yet, after a restart) must not send it to another place.
    """
    found = directory.ways(site.id, number)
    if is_emergency(number, site.country):
        own = directory.trunks_of_site(site.id)
        found = (*own, *(trunk for trunk in found if trunk not in own))
        up = answers
    return tuple(sorted(found, key=lambda trunk: not up(trunk.slug)))


def dial_string(directory: Directory, trunk: Trunk, number: str, caller: Site) -> str:
    """``PJSIP/0123456789@trunk-paris``. Raises ValueError for what is not a number.

    An emergency number is sent to the gateway's address instead of the trunk's contact: a gateway that missed a
    keep-alive is tried all the same, as in the dialplan.
    """
    site = directory.site(trunk.site_id)
    dialled = for_trunk(number, trunk, site.country if site is not None else caller.country)
    if not is_emergency(number, caller.country):
        return f"PJSIP/{dialled}@trunk-{trunk.slug}"
    host = f"[{trunk.host}]" if ":" in trunk.host else trunk.host
    transport = "" if trunk.transport == "udp" else f";transport={trunk.transport}"
    user = dialled.replace("#", "%23")
    return f"PJSIP/trunk-{trunk.slug}/sip:{user}@{host}:{trunk.port}{transport}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a caller goes. ``called`` is the number that was called, ``did`` the one whose destination it is.

    ``opened``: whether the hours of all numbers on the way are open. ``relays``: how many before this one did not
    answer. ``unanswered``: where the caller goes when this one does not either; with its target none, nowhere. It is
    that of the number ``relief``: the last one on the way that has one, whose box, site and time of ringing count.
    """

    called: Did
    did: Did
    destination: Destination
    opened: bool
    relays: int = 0
    unanswered: Destination = _NOBODY
    relief: Did | None = None

    @property
    def ring_seconds(self) -> int:
        """How long this one is rung: as was chosen, but nobody's last hope is hung up on early."""
        chosen = (self.relief or self.did).ring_seconds
        return chosen if self.relays == 0 or self.relieved else max(chosen, RING_SECONDS)

    @property
    def relieved(self) -> bool:
        """Whether somebody else takes the caller whom this one does not answer."""
        return self.unanswered.target != "none"


def arrival(directory: Directory, number: str, at: float, relays: int = 0) -> Arrival | None:
    """Where callers of ``number`` go at ``at`` (epoch seconds); None for a number that is none of ours.

    ``relays``: where they go after so many have not answered; None when nobody is left. A number that forwards to
    another of ours goes where that one does, without leaving by a trunk; a circle of them leads to nobody.
    """
    called = directory.did_by_number(number)
    if called is None:
        return None
    destination, opened = _by_hours(directory, called, at)
    relief = called if called.unanswered.target != "none" else None
    first = Arrival(called, called, destination, opened, 0, called.unanswered, relief)
    where = _followed(directory, first, at)
    for count in range(1, relays + 1):
        if where.relief is None:
            return None
        # The last of a number's destinations: whom it does not answer nobody takes, unless it is a number of ours.
        taken = Arrival(called, where.relief, where.unanswered, where.opened, count)
        where = _followed(directory, taken, at)
    return where


def _followed(directory: Directory, where: Arrival, at: float) -> Arrival:
    """Through our own numbers that forward to one another; a circle of them leads to nobody."""
    for _ in range(_FORWARDS):
        wanted = where.destination
        did = directory.did_by_number(wanted.forward_to) if wanted.target == "number" else None
        if did is None or did.tenant_id != where.called.tenant_id:
            # Another organisation's number is called like any other in the world.
            return where
        destination, is_open = _by_hours(directory, did, at)
        unanswered, relief = where.unanswered, where.relief
        if did.unanswered.target != "none" and where.relays < _FORWARDS:
            unanswered, relief = did.unanswered, did
        is_open = where.opened and is_open
        where = Arrival(where.called, did, destination, is_open, where.relays, unanswered, relief)
    return Arrival(where.called, where.did, _NOBODY, where.opened, where.relays)


def _by_hours(directory: Directory, did: Did, at: float) -> tuple[Destination, bool]:
    """A number's own destination at an instant, and whether it is open then."""
    schedule = directory.schedule(did.schedule_id) if did.schedule_id else None
    is_open = schedule is None or schedule.is_open(at)
    destination = did.opened if is_open else did.closed
    if schedule is None and destination.target == "none" and did.user_id is not None:
        destination = Destination(target="agent", user_id=did.user_id)
    return destination, is_open


def shown_number(directory: Directory, site: Site) -> str:
    """The number that calls of a site show (E.164): its own, else one of its DIDs, "" when it has neither."""
    own = sorted(did.number for did in directory.dids if did.site_id == site.id)
    return site.caller_id or (own[0] if own else "")
