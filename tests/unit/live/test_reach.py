"""Who can be reached: trunks, and sites that are cut off when every one of their trunks is."""

import os
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from ccserver.domain.directory import Directory, Phone, Site, Trunk
from ccserver.domain.normalise import normalise
from ccserver.domain.telephony import EmergencyLost, EndpointChanged, RegistrationChanged
from ccserver.live.reach import Reachability
from ccserver.live.resync import rotated
from ccserver.live.stations import Stations
from msgspec.structs import replace
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

TENANT, PARIS = UUID(int=1), UUID(int=2)
SITE = Site(
    id=PARIS,
    tenant_id=TENANT,
    slug="paris",
    name="Paris",
    zone="Europe/Paris",
    country="FR",
    caller_id="",
)


def trunk(slug: str) -> Trunk:
    return Trunk(
        id=UUID(bytes=slug.ljust(16).encode()),
        tenant_id=TENANT,
        site_id=PARIS,
        slug=slug,
        host="h",
        port=5060,
        codecs=(),
        priority=1,
    )


class Board:
    """Rows of links: whether each is up."""

    def __init__(self) -> None:
        self.rows: dict[str, bool] = {}
        self.details: dict[str, str] = {}
        self.phones: dict[str, Any] = {}
        self.now = 0.0
        self.reach = Reachability(self.show, self.drop, Stations(self.put, lambda: self.now))
        self.reach.follow(Directory(sites=[SITE], trunks=[trunk("one"), trunk("two")]))

    def put(self, topic: str, key: str, row: msgspec.Raw, where: Any) -> None:
        told = msgspec.json.decode(row)
        assert (topic, where) == ("stations", (TENANT, PARIS, None))
        self.phones[key] = (told["extension"], told["state"], told["since"]) if told else None

    def drop(self, name: str) -> None:
        del self.rows[name]

    def show(self, name: str, *, up: bool, detail: str, **_where: Any) -> None:
        self.details[name] = detail
        assert up == (detail == "")
        self.rows[name] = up

    def hear(self, endpoint: str, status: str, source: str = "contact") -> bool:
        return self.reach.heard(EndpointChanged(at=self.now, endpoint=endpoint, status=status, source=source))


def test_a_site_is_cut_off_when_all_its_trunks_are_and_back_with_the_first() -> None:
    board = Board()
    assert board.rows == {}, "nothing is said of what nobody spoke of"
    assert board.hear("trunk-one", "unreachable")
    assert board.rows == {"trunk:one": False, "site:paris": True}
    board.hear("trunk-two", "unreachable")
    assert board.rows == {"trunk:one": False, "trunk:two": False, "site:paris": False}
    assert not board.hear("trunk-two", "unreachable"), "no news"
    board.hear("trunk-one", "registered")
    assert board.rows == {"trunk:one": True, "trunk:two": False, "site:paris": True}
    assert board.reach.trunk_up("one") and not board.reach.trunk_up("two") and board.reach.trunk_up("three")


def test_rows_of_what_was_deleted_or_switched_off_go() -> None:
    board = Board()
    for name in ("trunk-one", "trunk-two"):
        board.hear(name, "unreachable")
    board.reach.follow(Directory(sites=[SITE], trunks=[trunk("one"), replace(trunk("two"), active=False)]))
    assert board.rows == {"trunk:one": False, "site:paris": False}
    board.reach.follow(Directory(sites=[SITE]))
    assert board.rows == {}


def test_a_phone_lost_keeps_its_reason() -> None:
    board = Board()
    assert board.reach.phone_up("1001")
    board.hear("1001", "unreachable")
    assert not board.hear("1001", "unregistered", "device")
    assert board.reach.status("1001") == "unreachable" and not board.reach.phone_up("1001")


def test_a_sites_phone_comes_goes_and_is_not_known_to_asterisk() -> None:
    board = Board()
    reception = Phone(id=UUID(int=9), tenant_id=TENANT, site_id=PARIS, extension="2100", label="Accueil")
    key = str(reception.id)
    board.reach.follow(Directory(sites=[SITE], phones=[reception]))
    assert board.phones[key] == ("2100", "unknown", 0.0)
    for at, status, source in (
        (1.0, "registered", "contact"),
        (2.0, "registered", "device"),
        (3.0, "registered", "list"),
    ):
        board.now = at
        board.hear("2100", status, source)
        assert board.phones[key] == ("2100", "registered", 1.0), "since moves with the state only"
    board.now = 4.0
    board.hear("2100", "unregistered")
    assert board.phones[key] == ("2100", "unregistered", 4.0)
    board.hear("1001", "registered")
    assert list(board.phones) == [key], "an agent's phone is told with its agent"
    board.reach.stations.listed({"1001", "2100"})
    assert board.phones[key] == ("2100", "unregistered", 4.0)
    board.now = 5.0
    board.reach.stations.listed({"1001"})
    assert board.phones[key] == ("2100", "unknown", 5.0), "Asterisk has no such phone any more"
    board.reach.follow(Directory(sites=[SITE], phones=[replace(reception, extension="1001")]))
    assert board.phones[key] == ("1001", "registered", 4.0), "what was heard of its new extension holds"
    board.reach.follow(Directory(sites=[SITE]))
    assert board.phones[key] is None


def test_a_record_put_aside_by_logrotate_is_read_as_far_as_it_matters(tmp_path: Path) -> None:
    for name, written in (
        ("cel.csv", 300),
        ("cel.csv.1", 200),
        ("cel.csv-20260101", 100),
        ("cel.csv.2.gz", 250),
        ("cel.csvx", 250),
    ):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (written, written))
    assert [file.name for file in rotated(tmp_path / "cel.csv", 50)] == ["cel.csv-20260101", "cel.csv.1"]
    assert [file.name for file in rotated(tmp_path / "cel.csv", 150)] == ["cel.csv.1"]
    assert rotated(tmp_path / "none" / "cel.csv", 0) == []


def test_a_trunk_that_logs_in_is_up_only_while_its_registrar_accepts_it() -> None:
    board = Board()
    logs_in = replace(trunk("one"), mode="register", username="account", host="h", port=5080)
    board.reach.follow(Directory(sites=[SITE], trunks=[logs_in, trunk("two")]))

    def said(status: str, account: str = "account", server: str = "h:5080") -> None:
        board.reach.registered(RegistrationChanged(at=1.0, account=account, server=server, status=status))

    said("registered")
    assert board.rows["trunk:one"] and board.reach.trunk_up("one")
    board.reach.heard(EndpointChanged(at=1.0, endpoint="trunk-one", status="registered", source="contact"))
    said("refused", account="another")
    said("refused", server="h:5060")
    assert board.reach.trunk_up("one"), "somebody else's login"
    said("refused")
    assert not board.rows["trunk:one"] and not board.reach.trunk_up("one")
    said("registered")
    assert board.rows["trunk:one"] and board.reach.trunk_up("one")
    board.reach.follow(Directory(sites=[SITE], trunks=[replace(logs_in, mode="peer")]))
    said("refused")
    assert board.reach.trunk_up("one"), "a peer logs in nowhere"


def test_a_trunk_whose_login_alone_is_down_answers_all_the_same() -> None:
    """That is what counts for emergency calls, and the detail tells it to the page that shows ways."""
    board = Board()
    logs_in = replace(trunk("one"), mode="register", username="account", host="h", port=5080)
    board.reach.follow(Directory(sites=[SITE], trunks=[logs_in]))
    seen = []
    for status in ("registered", "unreachable"):
        for login in ("registered", "refused", "unregistered"):
            board.hear("trunk-one", status)
            board.reach.registered(
                RegistrationChanged(at=1.0, account="account", server="h:5080", status=login)
            )
            seen.append(
                (board.reach.trunk_up("one"), board.reach.trunk_answers("one"), board.details["trunk:one"])
            )
    silent = (False, False, "unreachable")
    assert seen[:3] == [(True, True, ""), (False, True, "login refused"), (False, True, "login unregistered")]
    assert seen[3:] == [silent] * 3


def test_a_trunk_that_logs_in_and_is_back_is_told_once() -> None:
    board = Board()
    back: list[str] = []
    board.reach.on_back = back.append
    board.reach.follow(Directory(sites=[SITE], trunks=[trunk("one"), replace(trunk("two"), mode="register")]))
    for status in ("registered", "unreachable", "registered", "registered"):
        for name in ("trunk-one", "trunk-two", "1001"):
            board.hear(name, status)
    assert back == ["two"], "neither the first sight of it, nor a peer, nor a phone"


def test_an_emergency_call_that_no_trunk_took_is_counted_and_logged() -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("ccserver_emergency_calls_lost_total", {"site": "paris"}) or 0.0

    before = counted()
    event = {
        "Event": "UserEvent",
        "UserEvent": "EmergencyFailed",
        "Number": "112",
        "Site": "paris",
        "Extension": "1001",
    }
    fact = normalise(event, 5.0)
    assert isinstance(fact, EmergencyLost) and normalise(event | {"UserEvent": "Other"}, 5.0) is None
    with capture_logs() as logs:
        Board().reach.told(fact)
    assert counted() == before + 1
    assert [(line["log_level"], line["site"], line["number"], line["extension"]) for line in logs] == [
        ("error", "paris", "112", "1001")
    ]
