"""From the directory (what people entered) to the PBX model (what Asterisk is told).

One row that Asterisk cannot carry must not keep all the others from it: such a row is left out, with
what hangs on it, and named in a sentence.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from ccserver.domain.directory import (
    Agent,
    Destination,
    Did,
    Directory,
    Phone,
    PhoneSecret,
    Route,
    Site,
    Trunk,
    TrunkSecret,
)
from ccserver.domain.pbx import (
    DestinationPbx,
    DidPbx,
    MobilePbx,
    PbxModel,
    PbxModelError,
    PhonePbx,
    RoutePbx,
    SchedulePbx,
    SitePbx,
    TrunkPbx,
    ring,
)
from ccserver.domain.pbx_dialling import emergency_numbers
from ccserver.domain.pbx_hours import hours_of
from ccserver.domain.schedule import Schedule

_NO_SITE: Final = "its site is not in Asterisk"
_NOWHERE: Final = DestinationPbx()


@dataclass(frozen=True, slots=True)
class PbxPlan:
    """The model, and a sentence for each row that is not in it though it should be."""

    model: PbxModel
    left_out: tuple[str, ...]


def plan(
    base: PbxModel,
    directory: Directory,
    secrets: Iterable[PhoneSecret],
    revision: int,
    *,
    trunk_secrets: Iterable[TrunkSecret] = (),
    today: date | None = None,
) -> PbxPlan:
    """`base` (ports, folders, accounts) with the directory's sites, trunks, phones and numbers.

    Rows are taken in the order of their names, so that one directory always gives the same files. ``today``: holidays
    and special days of its year and of the next one are told to Asterisk (none without it); the files change with the
    year, not with the day.
    """
    maker = _Maker(
        base,
        directory,
        {secret.extension: secret.secret for secret in secrets},
        {secret.trunk_id: secret.secret for secret in trunk_secrets},
    )
    for site in sorted(directory.sites, key=lambda row: row.slug):
        maker.add_site(site)
    for trunk in sorted(directory.trunks, key=lambda row: row.slug):
        maker.add_trunk(trunk)
    for agent in sorted(directory.agents, key=lambda row: row.extension):
        maker.add_agent(agent)
    for phone in sorted(directory.phones, key=lambda row: row.extension):
        maker.add_phone(phone)
    years = (today.year, today.year + 1) if today else ()
    for schedule in sorted(directory.schedules, key=lambda row: row.id):
        maker.add_schedule(schedule, years)
    for did in sorted(directory.dids, key=lambda row: row.number):
        maker.add_did(did)
    return PbxPlan(maker.model(revision), tuple(maker.left_out))


class _Maker:
    """Takes rows one by one; those that fail go to `left_out`."""

    def __init__(
        self,
        base: PbxModel,
        directory: Directory,
        secrets: dict[str, str],
        trunk_secrets: dict[UUID, str],
    ) -> None:
        self._base = base
        self._directory = directory
        self._secrets = secrets
        self._trunk_secrets = trunk_secrets
        self._sites: dict[UUID, SitePbx] = {}
        self._trunks: dict[UUID, TrunkPbx] = {}
        self._phones: dict[UUID, PhonePbx] = {}
        self._mobiles: dict[UUID, MobilePbx] = {}
        self._schedules: dict[UUID, SchedulePbx] = {}
        self._dids: dict[str, DidPbx] = {}
        self._extensions: set[str] = set()
        self.left_out: list[str] = []

    def model(self, revision: int) -> PbxModel:
        """All that was taken."""
        return replace(
            self._base,
            revision=revision,
            sites=tuple(self._sites_with_ways()),
            trunks=tuple(self._trunks.values()),
            phones=tuple(self._phones.values()),
            mobiles=tuple(self._mobiles.values()),
            schedules=tuple(self._schedules.values()),
            dids=tuple(self._dids.values()),
        )

    def add_site(self, site: Site) -> None:
        with self._row(f"Site {site.slug}"):
            if any(made.slug == site.slug for made in self._sites.values()):
                raise PbxModelError("site", "another site has the same short name")
            self._sites[site.id] = SitePbx(
                id=str(site.id),
                slug=site.slug,
                zone=site.zone,
                country=site.country,
                area=site.area,
                caller_id=self._caller_id(site),
                subnets=site.subnets,
                codecs=site.codecs,
                allowed_prefixes=site.allowed_prefixes,
            )

    def add_trunk(self, trunk: Trunk) -> None:
        if not trunk.active:
            return
        with self._row(f"Trunk {trunk.slug}"):
            made = TrunkPbx(
                slug=trunk.slug,
                site=self._site(trunk.site_id).slug,
                host=trunk.host,
                port=trunk.port,
                codecs=trunk.codecs,
                qualify_seconds=trunk.qualify_seconds,
                mode=trunk.mode,
                transport=trunk.transport,
                username=trunk.username,
                secret=self._trunk_secrets.get(trunk.id, ""),
                from_domain=trunk.from_domain,
                addresses=trunk.addresses,
                number_format=trunk.number_format,
                dial_prefix=trunk.dial_prefix,
            )
            if any(other.slug == made.slug for other in self._trunks.values()):
                raise PbxModelError("trunk", "another trunk has the same short name")
            self._base.check_trunk(made, self._trunks.values())
            self._trunks[trunk.id] = made

    def add_agent(self, agent: Agent) -> None:
        if not agent.active:
            return
        secret = self._secrets.get(agent.extension)
        if agent.station != "mobile" and secret is None:
            return
        with self._row(f"Phone {agent.extension}"):
            site = self._site_for(agent.site_id, agent.extension)
            if agent.station == "mobile":
                self._mobiles[agent.id] = MobilePbx(
                    extension=agent.extension, site=site.slug, number=agent.mobile
                )
                self._extensions.add(agent.extension)
                return
            self._phones[agent.id] = PhonePbx(
                extension=agent.extension,
                secret=secret or "",
                site=site.slug,
                display_name=agent.name,
                agent_id=str(agent.id),
                kind=agent.station,
            )
            self._extensions.add(agent.extension)

    def add_phone(self, phone: Phone) -> None:
        secret = self._secrets.get(phone.extension)
        if secret is None:
            return
        with self._row(f"Phone {phone.extension}"):
            site = self._site_for(phone.site_id, phone.extension)
            self._phones[phone.id] = PhonePbx(
                extension=phone.extension,
                secret=secret,
                site=site.slug,
                display_name=phone.label,
                kind="physical",
            )
            self._extensions.add(phone.extension)

    def add_schedule(self, schedule: Schedule, years: tuple[int, ...]) -> None:
        with self._row(f"Schedule {schedule.name}"):
            self._schedules[schedule.id] = hours_of(schedule, years)

    def add_did(self, did: Did) -> None:
        with self._row(f"Number {did.number}"):
            if did.number in self._dids:
                raise PbxModelError("number", "another tenant has the same number")
            site = self._site(did.site_id)
            opened = did.opened
            if opened.target == "none" and did.user_id is not None:
                opened = Destination(target="agent", user_id=did.user_id)
            schedule = self._schedules.get(did.schedule_id) if did.schedule_id else None
            unanswered = self._destination(did.unanswered, did, site)
            relieved = unanswered != _NOWHERE
            self._dids[did.number] = DidPbx(
                number=did.number,
                site=site.slug,
                label=did.label,
                opened=self._first(opened, did, site, relieved),
                closed=self._first(did.closed, did, site, relieved) if schedule else _NOWHERE,
                schedule=schedule.id if schedule else "",
                unanswered=unanswered,
                ring_seconds=did.ring_seconds,
            )

    def _first(self, wanted: Destination, did: Did, site: SitePbx, relieved: bool) -> DestinationPbx:
        """A first destination; of one that cannot be reached the callers go on at once, as the server sends them."""
        made = self._destination(wanted, did, site)
        passes_on = relieved and made == _NOWHERE and wanted.target != "none"
        return DestinationPbx(target="unanswered") if passes_on else made

    def _destination(self, wanted: Destination, did: Did, site: SitePbx) -> DestinationPbx:
        """Where callers go; nowhere when the phone that is meant is not in Asterisk."""
        if wanted.target == "voicemail":
            return DestinationPbx(target="voicemail")
        if wanted.target == "number":
            if site.allowed_prefixes and not wanted.forward_to.startswith(site.allowed_prefixes):
                return _NOWHERE  # the site's rule came later; the server refuses such a call as well
            return DestinationPbx(
                target="number",
                number=wanted.forward_to,
                site=site.slug,
                relieved=self._has_third(wanted.forward_to, did.tenant_id),
            )
        if wanted.target == "agent" and wanted.user_id in self._phones:
            return ring(self._phones[wanted.user_id].extension)
        if wanted.target == "agent" and wanted.user_id in self._mobiles:
            mobile = self._mobiles[wanted.user_id]
            return DestinationPbx(target="number", number=mobile.number, site=mobile.site)
        if wanted.target == "phone" and wanted.phone_id in self._phones:
            return DestinationPbx(target="phone", extension=self._phones[wanted.phone_id].extension)
        return _NOWHERE

    def _has_third(self, number: str, tenant_id: UUID) -> bool:
        """Whether a number is the same organisation's and has a third destination, which then goes before others."""
        did = self._directory.did_by_number(number)
        return did is not None and did.tenant_id == tenant_id and did.unanswered.target != "none"

    def _sites_with_ways(self) -> Iterator[SitePbx]:
        for id_, site in self._sites.items():
            own = (self._trunks.get(trunk.id) for trunk in self._directory.trunks_of_site(id_))
            yield replace(site, trunks=tuple(way.slug for way in own if way), routes=tuple(self._routes(id_)))

    def _routes(self, site_id: UUID) -> Iterator[RoutePbx]:
        """The order is that of ``Directory.ways``."""
        own = [route for route in self._directory.routes if route.site_id == site_id]
        for route in sorted(own, key=_route_order):
            trunk = self._trunks.get(route.trunk_id)
            if trunk is not None:
                yield RoutePbx(prefix=route.prefix, trunk=trunk.slug)

    def _caller_id(self, site: Site) -> str:
        """The site's number; one of its DIDs when none was entered, for a call needs one to leave with."""
        own = sorted(did.number for did in self._directory.dids if did.site_id == site.id)
        return site.caller_id or (own[0] if own else "")

    def _site(self, site_id: UUID | None) -> SitePbx:
        site = self._sites.get(site_id) if site_id else None
        if site is None:
            raise PbxModelError("site", _NO_SITE)
        return site

    def _site_for(self, site_id: UUID | None, extension: str) -> SitePbx:
        """The site of a phone whose extension is free and hides no emergency number."""
        site = self._site(site_id)
        if extension in emergency_numbers(site.country):
            raise PbxModelError("phone extension", "this is an emergency number")
        if extension in self._extensions:
            raise PbxModelError("phone extension", "another phone has the same extension")
        return site

    @contextmanager
    def _row(self, what: str) -> Iterator[None]:
        try:
            yield
        except PbxModelError as error:
            self.left_out.append(f"{what} is not in Asterisk: {error}")


def _route_order(route: Route) -> tuple[int, int, str]:
    return -len(route.prefix), route.priority, str(route.id)
