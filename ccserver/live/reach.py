"""Who can be reached: phones and trunks by Asterisk's word, sites by their trunks', as rows of the board."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter

from ccserver.domain.directory import Directory, Trunk
from ccserver.domain.telephony import EmergencyLost, EndpointChanged, RegistrationChanged
from ccserver.live.stations import Stations

log = structlog.get_logger(__name__)

EMERGENCIES_LOST = Counter(
    "ccserver_emergency_calls_lost_total", "Emergency calls that found no way out of their site", ["site"]
)

TRUNK = "trunk-"
"""What the names of trunks' endpoints begin with (asterisk-config/pjsip.conf.j2)."""
LOGIN = "login "
"""What the detail of a trunk begins with that answers its keep-alive, and is down by its registrar's word."""


class ShowLink(Protocol):
    """Puts the health of one part on the board."""

    def __call__(
        self, name: str, *, up: bool, detail: str, tenant_id: UUID | None = None, site_id: UUID | None = None
    ) -> None: ...


class Reachability:
    """What was last heard of each endpoint. Unknown counts as reachable: trying tells.

    ``on_back``: told of each trunk that logs in and answers its keep-alive again.
    """

    def __init__(self, show: ShowLink, drop: Callable[[str], None], stations: Stations) -> None:
        self._show = show
        self._drop = drop
        self.stations = stations
        self.on_back: Callable[[str], None] | None = None
        self._directory = Directory()
        self._status: dict[str, str] = {}
        self._registrations: dict[tuple[str, str], str] = {}
        self._shown: set[str] = set()

    def status(self, endpoint: str) -> str | None:
        """registered | unreachable | unregistered, None for an endpoint nobody spoke of."""
        return self._status.get(endpoint)

    def phone_up(self, extension: str) -> bool:
        """Whether a phone may be rung."""
        return self._status.get(extension, "registered") == "registered"

    def trunk_up(self, slug: str) -> bool:
        """Whether a trunk is thought reachable."""
        trunk = self._directory.trunk_by_slug(slug)
        logged_in = trunk is None or self._login(trunk) in (None, "registered")
        return logged_in and self.trunk_answers(slug)

    def trunk_answers(self, slug: str) -> bool:
        """Whether a trunk answers its keep-alive, whatever its registrar says: all that counts for emergency calls."""
        return self._status.get(TRUNK + slug, "registered") == "registered"

    def registered(self, fact: RegistrationChanged) -> None:
        """Takes what a registrar said of one of our accounts: a trunk that may not log in carries nothing."""
        self._registrations[fact.account, fact.server] = fact.status
        for trunk in self._directory.trunks:
            if _account(trunk) == (fact.account, fact.server):
                self._show_trunk(trunk)
                self._show_site(trunk.site_id)

    def told(self, fact: RegistrationChanged | EmergencyLost) -> None:
        """Takes what Asterisk says of a trunk's login, or of a call that no trunk took."""
        if isinstance(fact, RegistrationChanged):
            self.registered(fact)
            return
        # Nothing worse can be told of a site: counted and logged, for an alarm to be set on.
        EMERGENCIES_LOST.labels(site=fact.site).inc()
        log.error("emergency call lost", site=fact.site, number=fact.number, extension=fact.extension)

    def _login(self, trunk: Trunk) -> str | None:
        account = _account(trunk)
        return self._registrations.get(account) if account is not None else None

    def heard(self, fact: EndpointChanged) -> bool:
        """Takes a fact; whether it says something new. A trunk's is shown, with its site's."""
        before = self._status.get(fact.endpoint)
        if before == fact.status and fact.source == "device":
            # A device changes its state several times in each call; its reachability does not.
            return False
        if before == "unreachable" and fact.status == "unregistered" and fact.source == "device":
            # A device merely unavailable does not hide why.
            return False
        self._status[fact.endpoint] = fact.status
        if not fact.endpoint.startswith(TRUNK):
            self.stations.heard(fact.endpoint, fact.status, fact.at)
        else:
            trunk = self._directory.trunk_by_slug(fact.endpoint.removeprefix(TRUNK))
            if trunk is not None:
                self._show_trunk(trunk)
                self._show_site(trunk.site_id)
                back = before == "unreachable" and fact.status == "registered"
                if back and trunk.mode == "register" and self.on_back is not None:
                    self.on_back(trunk.slug)
        return before != fact.status

    def follow(self, directory: Directory) -> None:
        """A new picture: rows of what is no longer in it go, those of sites, trunks and phones that moved are right."""
        self._directory = directory
        self.stations.follow(directory)
        before, self._shown = self._shown, set()
        for trunk in directory.trunks:
            self._show_trunk(trunk)
        for site in directory.sites:
            self._show_site(site.id)
        for name in before - self._shown:
            self._drop(name)

    def _show_trunk(self, trunk: Trunk) -> None:
        status, login = self._status.get(TRUNK + trunk.slug), self._login(trunk)
        if (status is None and login is None) or not trunk.active:
            return
        detail = ""
        if status not in (None, "registered"):
            detail = status or ""
        elif login not in (None, "registered"):
            detail = f"{LOGIN}{login}"
        self._put(f"trunk:{trunk.slug}", not detail, detail, trunk.tenant_id, trunk.site_id)

    def _show_site(self, site_id: UUID) -> None:
        """A site is cut off when every one of its trunks is; with a trunk of which nothing is known it is not."""
        site = self._directory.site(site_id)
        trunks = self._directory.trunks_of_site(site_id)
        if site is None or not any(TRUNK + trunk.slug in self._status for trunk in trunks):
            return
        up = any(self.trunk_up(trunk.slug) for trunk in trunks)
        self._put(f"site:{site.slug}", up, "" if up else "unreachable", site.tenant_id, site.id)

    def _put(self, name: str, up: bool, detail: str, tenant_id: UUID, site_id: UUID) -> None:
        self._shown.add(name)
        self._show(name, up=up, detail=detail, tenant_id=tenant_id, site_id=site_id)


def _account(trunk: Trunk) -> tuple[str, str] | None:
    """With which account a trunk logs in, and where, as its registration is rendered; None for a peer."""
    if trunk.mode != "register":
        return None
    host = f"[{trunk.host}]" if ":" in trunk.host else trunk.host
    return trunk.username, f"{host}:{trunk.port}"
