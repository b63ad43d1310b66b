"""The container's first process: what the operator set stays, the rest is kept in the volume."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from ccserver.domain.errors import Unavailable
from ccserver.domain.pbx import PbxDirectories, PbxPorts, PbxTls
from ccserver.stack import container
from ccserver.stack.container import fill_environment, furnish, migrate_when_up, wait_for_layout
from ccserver.stack.problems import StackProblem
from ccserver.storage import migrate
from ccserver.telephony.pbx_layout import PbxLayout, write_layout

LAYOUT = PbxLayout(
    ports=PbxPorts(ami=5039, http=8089),
    directories=PbxDirectories.under("/srv/pbx", modules="/usr/modules", data="/usr/data"),
)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "POLL_SECONDS", 0.0)


def test_what_is_not_set_is_generated_once(tmp_path: Path) -> None:
    first: dict[str, str] = {"JWT_SECRET": ""}
    second: dict[str, str] = {}
    fill_environment(first, tmp_path, LAYOUT)
    fill_environment(second, tmp_path, LAYOUT)
    assert first == second
    assert first["JWT_SECRET"]
    assert first["AMI_PORT"] == "5039"
    assert first["ARI_URL"] == "http://127.0.0.1:8089/ari"
    assert first["ASTERISK_CEL_FILE"] == "/srv/pbx/log/cel-custom/cel.csv"


def test_what_the_operator_set_stays(tmp_path: Path) -> None:
    environment = {"SECRETS_KEY": "mine", "AMI_PORT": "6000"}
    fill_environment(environment, tmp_path, LAYOUT)
    assert (environment["SECRETS_KEY"], environment["AMI_PORT"]) == ("mine", "6000")


def test_the_layout_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(StackProblem, match="Is it running"):
        wait_for_layout(tmp_path / "layout.json", seconds=0.05)
    write_layout(tmp_path / "layout.json", LAYOUT)
    assert wait_for_layout(tmp_path / "layout.json") == LAYOUT


def test_a_layout_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "layout.json").write_text(
        '{"ports": {}, "directories": {}, "nat": {"external_address": "a b"}}'
    )
    with pytest.raises(StackProblem, match=r"layout\.json cannot be used"):
        wait_for_layout(tmp_path / "layout.json")


def test_asterisk_finds_its_folders_and_a_certificate(tmp_path: Path) -> None:
    tls = PbxTls(certificate=str(tmp_path / "tls" / "certificate.pem"), key=str(tmp_path / "tls" / "key.pem"))
    directories = PbxDirectories.under(str(tmp_path), modules="/usr/modules", data="/usr/data")
    layout = msgspec.structs.replace(LAYOUT, directories=directories, tls=tls)
    furnish(layout, datetime(2026, 1, 5, tzinfo=UTC))
    assert (tmp_path / "log" / "cel-custom" / "cel.csv").exists()
    made = Path(tls.certificate).read_bytes()
    assert made.startswith(b"-----BEGIN CERTIFICATE")
    furnish(layout, datetime(2026, 1, 6, tzinfo=UTC))
    assert Path(tls.certificate).read_bytes() == made


def test_postgresql_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[object] = [Unavailable(), Unavailable(), ("0001.x",)]
    said: list[str] = []

    def apply(url: str) -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(migrate, "apply", apply)
    migrate_when_up("postgresql://", said.append)
    assert said == ["schema: 1 migrations applied"]


def test_a_database_that_never_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(url: str) -> None:
        raise Unavailable

    monkeypatch.setattr(migrate, "apply", away)
    with pytest.raises(StackProblem, match="PostgreSQL does not answer"):
        migrate_when_up("postgresql://", lambda text: None, seconds=0.05)
