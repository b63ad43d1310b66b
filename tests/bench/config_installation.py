"""A large installation's directory, for measuring what an administrator waits for when looking at the differences."""

from hashlib import sha256
from uuid import UUID

from ccserver.domain.directory import Agent, Destination, Did, Directory, Phone, PhoneSecret, Site, Trunk
from ccserver.domain.pbx import PbxDirectories, PbxModel, PbxPorts, PbxUser
from ccserver.domain.pbx_directory import PbxPlan, plan
from ccserver.domain.schedule import Opening, Schedule
from ccserver.domain.station import SECRET_LENGTH

TENANT = UUID(int=1)
SITES = 10
SECRETS_KEY = b"0123456789abcdef0123456789abcdef-bench"


def base(etc_of: str) -> PbxModel:
    """An Asterisk of its own under a folder."""
    return PbxModel(
        revision=0,
        tenant="main",
        ports=PbxPorts(),
        directories=PbxDirectories.under(etc_of, modules="/usr/modules", data="/usr/data"),
        ami=PbxUser(name="ccserver", secret="secret-of-ami"),
        ari=PbxUser(name="ccserver", secret="secret-of-ari"),
    )


def installation(etc_of: str, dids: int, phones: int) -> PbxPlan:
    """Ten sites with a trunk, opening hours and their share of phones and numbers each."""
    places = [
        Site(
            id=UUID(int=1000 + n),
            tenant_id=TENANT,
            slug=f"site-{n}",
            name=f"Site {n}",
            zone="Europe/Paris",
            country="FR",
            caller_id=f"+3314000{n:04}",
        )
        for n in range(SITES)
    ]
    trunks = [
        Trunk(
            id=UUID(int=2000 + n),
            tenant_id=TENANT,
            site_id=site.id,
            slug=f"trunk-{n}",
            host=f"10.{n}.0.2",
            port=5060,
            codecs=("alaw",),
            priority=1,
        )
        for n, site in enumerate(places)
    ]
    hours = [
        Schedule(
            id=UUID(int=3000 + n),
            tenant_id=TENANT,
            name=f"Hours {n}",
            zone="Europe/Paris",
            hours=tuple(Opening(day=day, opens="09:00", closes="18:00") for day in range(1, 6)),
        )
        for n in range(SITES)
    ]
    agents = [_agent(n, places[n % SITES]) for n in range(phones // 2)]
    desks = [
        Phone(
            id=UUID(int=500_000 + n),
            tenant_id=TENANT,
            site_id=places[n % SITES].id,
            extension=f"{50_000 + n}",
            label=f"Desk {n}",
        )
        for n in range(phones - phones // 2)
    ]
    numbers = [_did(n, places[n % SITES], agents, desks, hours[n % SITES].id) for n in range(dids)]
    directory = Directory(
        agents=agents, sites=places, trunks=trunks, dids=numbers, phones=desks, schedules=hours
    )
    extensions = [*(one.extension for one in agents), *(one.extension for one in desks)]
    secrets = [PhoneSecret(user_id=None, extension=one, secret=_secret(one)) for one in extensions]
    return plan(base(etc_of), directory, secrets, 1)


def _secret(extension: str) -> str:
    """As long as those that are made up for people, and the same in every run."""
    return sha256(extension.encode()).hexdigest()[:SECRET_LENGTH]


def _agent(n: int, site: Site) -> Agent:
    return Agent(
        id=UUID(int=100_000 + n),
        tenant_id=TENANT,
        login=f"agent{n}",
        name=f"Agent {n}",
        site_id=site.id,
        extension=f"{10_000 + n}",
        active=True,
    )


def _did(n: int, site: Site, agents: list[Agent], desks: list[Phone], schedule: UUID) -> Did:
    """In turn: an agent's, a desk's, a box with opening hours."""
    opened = (
        Destination(target="agent", user_id=agents[n % len(agents)].id),
        Destination(target="phone", phone_id=desks[n % len(desks)].id),
        Destination(target="voicemail"),
    )[n % 3]
    return Did(
        id=UUID(int=900_000 + n),
        tenant_id=TENANT,
        number=f"+331{45_000_000 + n}",
        site_id=site.id,
        user_id=None,
        label=f"Line {n}",
        schedule_id=schedule if n % 3 == 2 else None,
        opened=opened,
        closed=Destination(target="voicemail"),
    )
