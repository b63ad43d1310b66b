"""The demo organisation: two sites, their gateways and numbers, six agents and a supervisor.

Decided once and kept in the data folder, because the phones' and accounts' secrets must match the database at
the next start. All numbers are of the ranges that France keeps free for fiction.
"""

import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

from ccserver.stack.ports import free_udp_port
from ccserver.stack.problems import StackProblem

FILE_NAME: Final = "demo.json"
CUSTOMER_RANGES: Final = ("+3326191", "+3335301", "+3346571", "+3353649", "+3319900")
"""Fictional: the customer's number goes on with four digits, the last of which says how the call ends."""

_SITES: Final = (
    (
        "demo-paris",
        "Paris (démo)",
        "127.0.0.2",
        "+33199000100",
        ("+33199000101", "+33199000102", "+33199000103"),
    ),
    (
        "demo-lyon",
        "Lyon (démo)",
        "127.0.0.3",
        "+33465710100",
        ("+33465710101", "+33465710102", "+33465710103"),
    ),
)
_AGENTS: Final = (
    ("Zoé", "Martin", "7001", "demo-paris"),
    ("Luc", "O’Neill", "7002", "demo-paris"),
    ("Inès", "Benali", "7003", "demo-paris"),
    ("Anaïs", "Petit", "7004", "demo-lyon"),
    ("Marc", "Durand", "7005", "demo-lyon"),
    ("Hugo", "Lefèvre", "7006", "demo-lyon"),
)
_PLAIN: Final = str.maketrans("éèïçà", "eeica")


class DemoSite(msgspec.Struct, frozen=True, kw_only=True):
    """A site and its stand-in gateway. ``dids``: public numbers, one for each of the site's agents."""

    slug: str
    name: str
    address: str
    port: int
    caller_id: str
    dids: tuple[str, ...]


class DemoAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent: an account, and a phone that a program answers."""

    login: str
    first_name: str
    last_name: str
    extension: str
    site: str
    password: str
    sip_secret: str

    def __repr__(self) -> str:
        return f"DemoAgent({self.login})"


class DemoPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the demo is made of."""

    sites: tuple[DemoSite, ...]
    agents: tuple[DemoAgent, ...]
    supervisor: str
    supervisor_password: str

    def __repr__(self) -> str:
        return "DemoPlan(...)"

    def number_of(self, agent: DemoAgent) -> str:
        """The public number that rings this agent's phone."""
        site = next(site for site in self.sites if site.slug == agent.site)
        crew = [other.login for other in self.agents if other.site == agent.site]
        return site.dids[crew.index(agent.login) % len(site.dids)]

    def words(self) -> list[str]:
        """What a newcomer is told."""
        agent = self.agents[0]
        return [
            "",
            "The demo: two sites, six agents whose phones answer by themselves, calls in and out.",
            f"  See the board as {self.supervisor}, password {self.supervisor_password}",
            f"  Place calls as {agent.login}, password {agent.password}",
            "  The last digit of the number says how a call ends: 0 to 5 answers, 6 answers and hangs up,",
            f"  7 busy, 8 no answer, 9 unreachable. For instance {CUSTOMER_RANGES[0]}1230.",
        ]


def keep_plan(folder: Path) -> DemoPlan:
    """The plan of this data folder, made when there is none. Raises StackProblem. Blocks."""
    path = folder / FILE_NAME
    if path.exists():
        try:
            return msgspec.json.decode(path.read_bytes(), type=DemoPlan)
        except (OSError, msgspec.DecodeError) as error:
            raise StackProblem(
                f"{path} cannot be read ({error}). Remove it: the demo is then made anew."
            ) from error
    plan = _new_plan()
    folder.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(plan)) + b"\n")
    aside.rename(path)
    return plan


def _new_plan() -> DemoPlan:
    sites = tuple(
        DemoSite(
            slug=slug, name=name, address=address, port=free_udp_port(address), caller_id=caller_id, dids=dids
        )
        for slug, name, address, caller_id, dids in _SITES
    )
    agents = tuple(
        DemoAgent(
            login=f"demo.{first.lower().translate(_PLAIN)}",
            first_name=first,
            last_name=last,
            extension=extension,
            site=site,
            password=f"Demo-{secrets.token_hex(6)}",
            sip_secret=secrets.token_hex(12),
        )
        for first, last, extension, site in _AGENTS
    )
    return DemoPlan(
        sites=sites,
        agents=agents,
        supervisor="demo.chef",
        supervisor_password=f"Demo-{secrets.token_hex(6)}",
    )
