"""From the directory (what people entered) to the PBX model (what Asterisk is told).

One row that Asterisk cannot carry must not keep all the others from it: such a row is left out, with
what hangs on it, and named in a sentence.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from ccserver.domain.directory import Agent, Did, Directory, PhoneSecret, Site, Trunk
from ccserver.domain.pbx import DidPbx, PbxModel, PbxModelError, PhonePbx, SitePbx, TrunkPbx

_NO_SITE: Final = "its site is not in Asterisk"


@dataclass(frozen=True, slots=True)
class PbxPlan:
    """The model, and a sentence for each row that is not in it though it should be."""

    model: PbxModel
    left_out: tuple[str, ...]


def plan(base: PbxModel, directory: Directory, secrets: Iterable[PhoneSecret], revision: int) -> PbxPlan:
    """`base` (ports, folders, accounts) with the directory's sites, trunks, phones and numbers.

    Rows are taken in the order of their names, so that one directory always gives the same files.
    """
    maker = _Maker(directory, {secret.extension: secret.secret for secret in secrets})
    for site in sorted(directory.sites, key=lambda row: row.slug):
        maker.add_site(site)
    for trunk in sorted(directory.trunks, key=lambda row: row.slug):
        maker.add_trunk(trunk)
    for agent in sorted(directory.agents, key=lambda row: row.extension):
        maker.add_phone(agent)
    for did in sorted(directory.dids, key=lambda row: row.number):
        maker.add_did(did)
    model = replace(
        base,
        revision=revision,
        sites=tuple(maker.sites_with_trunks()),
        trunks=tuple(maker.trunks.values()),
        phones=tuple(maker.phones.values()),
        dids=tuple(maker.dids),
    )
    return PbxPlan(model, tuple(maker.left_out))


class _Maker:
    """Takes rows one by one; those that fail go to `left_out`."""

    def __init__(self, directory: Directory, secrets: dict[str, str]) -> None:
        self._directory = directory
        self._secrets = secrets
        self._sites: dict[UUID, SitePbx] = {}
        self.trunks: dict[UUID, TrunkPbx] = {}
        self.phones: dict[UUID, PhonePbx] = {}
        self.dids: list[DidPbx] = []
        self.left_out: list[str] = []

    def add_site(self, site: Site) -> None:
        with self._row(f"Site {site.slug}"):
            self._sites[site.id] = SitePbx(
                id=str(site.id), slug=site.slug, country=site.country, caller_id=self._caller_id(site)
            )

    def add_trunk(self, trunk: Trunk) -> None:
        with self._row(f"Trunk {trunk.slug}"):
            # Traffic is told apart by the gateway's address alone.
            twin = next((made.slug for made in self.trunks.values() if made.host == trunk.host), None)
            if twin:
                raise PbxModelError("trunk host", f"trunk {twin} has the same address")
            self.trunks[trunk.id] = TrunkPbx(
                slug=trunk.slug,
                site=self._site_slug(trunk.site_id),
                host=trunk.host,
                port=trunk.port,
                codecs=trunk.codecs,
            )

    def add_phone(self, agent: Agent) -> None:
        secret = self._secrets.get(agent.extension)
        if not agent.active or secret is None:
            return
        with self._row(f"Phone {agent.extension}"):
            self.phones[agent.id] = PhonePbx(
                extension=agent.extension,
                secret=secret,
                site=self._site_slug(agent.site_id),
                display_name=agent.name,
                agent_id=str(agent.id),
            )

    def add_did(self, did: Did) -> None:
        with self._row(f"Number {did.number}"):
            phone = self.phones.get(did.user_id) if did.user_id else None
            self.dids.append(
                DidPbx(
                    number=did.number,
                    site=self._site_slug(did.site_id),
                    fallback=phone.extension if phone else None,
                )
            )

    def sites_with_trunks(self) -> Iterator[SitePbx]:
        for id_, site in self._sites.items():
            ways = (self.trunks.get(trunk.id) for trunk in self._directory.trunks_of_site(id_))
            yield replace(site, trunks=tuple(way.slug for way in ways if way))

    def _caller_id(self, site: Site) -> str:
        """The site's number; one of its DIDs when none was entered, for a call needs one to leave with."""
        own = sorted(did.number for did in self._directory.dids if did.site_id == site.id)
        return site.caller_id or (own[0] if own else "")

    def _site_slug(self, site_id: UUID | None) -> str:
        site = self._sites.get(site_id) if site_id else None
        if site is None:
            raise PbxModelError("site", _NO_SITE)
        return site.slug

    @contextmanager
    def _row(self, what: str) -> Iterator[None]:
        try:
            yield
        except PbxModelError as error:
            self.left_out.append(f"{what} is not in Asterisk: {error}")
