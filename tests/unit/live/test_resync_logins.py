"""An Asterisk that cannot list its logins at providers is resynced all the same."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from ccserver.domain.telephony import Fact, RegistrationChanged
from ccserver.live import resync
from ccserver.live.resync import Resync
from ccserver.telephony.errors import AmiError

LOGIN = {"ClientUri": "sip:account@h:5080", "ServerUri": "sip:h:5080", "Status": "Registered"}


class Scene:
    """A resync against an Asterisk without calls, whose answer about logins the test chooses."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.refused = True
        self.asked: list[str] = []
        reach = SimpleNamespace(stations=SimpleNamespace(listed=lambda _names: None))
        engine = SimpleNamespace(
            book=SimpleNamespace(missing=lambda *_: []),
            apply=self.facts.append,
            apply_all=lambda _facts: 0,
            changed=lambda _change: None,
            reach=reach,
            drift=None,
        )
        self.resync = Resync(
            engine=cast(Any, engine),
            ami=cast(Any, self),
            ari=cast(Any, None),
            control=cast(Any, None),
            links_up=lambda: True,
            cel_file=None,
            clock=lambda: 100.0,
            cel_from=0.0,
        )

    async def action_list(self, name: str) -> list[dict[str, str]]:
        self.asked.append(name)
        if name != "PJSIPShowRegistrationsOutbound":
            return []
        if self.refused:
            raise AmiError(name, "Invalid/unknown command")
        return [LOGIN]


async def test_a_list_that_asterisk_does_not_know_ends_no_resync(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    adopted: list[int] = []
    told: list[str] = []

    async def adopt() -> None:
        adopted.append(len(scene.asked))

    def warning(_event: str, *, why: str) -> None:
        told.append(why)

    monkeypatch.setattr(scene.resync, "_adopt", adopt)
    monkeypatch.setattr(resync, "log", SimpleNamespace(warning=warning))
    await scene.resync._compare()
    await scene.resync._compare()
    assert len(adopted) == 2, "went on both times"
    assert told == ["AMI PJSIPShowRegistrationsOutbound: Invalid/unknown command"]
    scene.refused = False
    await scene.resync._compare()
    assert scene.facts == [
        RegistrationChanged(at=100.0, account="account", server="h:5080", status="registered")
    ]
