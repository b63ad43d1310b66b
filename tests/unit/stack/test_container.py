"""The container's first process: what the operator set stays, the rest is kept in the volume."""

from pathlib import Path

import pytest
from ccserver.domain.errors import Unavailable
from ccserver.domain.pbx import PbxDirectories, PbxPorts
from ccserver.stack import container
from ccserver.stack.container import fill_environment, migrate_when_up, wait_for_layout
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
