"""Trunks that came back are logged in again, one after the other, and one refusal is nobody else's."""

from collections.abc import Mapping

from ccserver.background import Supervisor
from ccserver.domain.errors import Unavailable
from ccserver.live.logins import Logins
from ccserver.telephony.errors import AmiError

from tests.rig.wait import until


class Ami:
    """Asterisk's ear: what it was asked; the link is down for one trunk, Asterisk does not know another."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def action(self, name: str, /, **headers: str) -> Mapping[str, str]:
        trunk = headers["Registration"]
        self.asked.append((name, trunk))
        if trunk == "trunk-away":
            raise Unavailable("ami_away")
        if trunk == "trunk-unknown":
            raise AmiError(name, "Unable to retrieve registration trunk-unknown")
        return {}


async def test_each_is_asked_for_once_whatever_becomes_of_the_others() -> None:
    ami, supervisor = Ami(), Supervisor()
    logins = Logins(ami)  # type: ignore[arg-type]
    for slug in ("away", "unknown", "lyon", "lyon"):
        logins.again(slug)
    supervisor.spawn("logins", logins.run)
    await until(lambda: len(ami.asked) == 3, "three are asked for")
    logins.again("away")
    await until(lambda: len(ami.asked) == 4, "and once more, later")
    assert [trunk for _, trunk in ami.asked] == ["trunk-away", "trunk-unknown", "trunk-lyon", "trunk-away"]
    assert {name for name, _ in ami.asked} == {"PJSIPRegister"} and supervisor.healthy
    await supervisor.close()
