"""The last words tell a newcomer what is true, and no more."""

from pathlib import Path

import pytest
from ccserver.settings import Settings
from ccserver.stack.closing import Facts, closing_words, first_call, first_password, web_url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1128"),
        ("0.0.0.0", "http://127.0.0.1:1128"),
        ("::1", "http://[::1]:1128"),
        ("pbx.example", "http://pbx.example:1128"),
    ],
)
def test_the_address_is_one_that_a_browser_here_reaches(host: str, url: str) -> None:
    assert web_url(Settings(host=host)) == url


def test_the_password_told_is_the_one_that_works(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("noise\nFirst account: admin / Xy1 (to be changed at the first login)\nmore\n")
    assert first_password(Settings(), log) == "admin"
    assert first_password(Settings(host="0.0.0.0"), log) == "Xy1"
    assert "BOOTSTRAP_PASSWORD" in first_password(Settings(bootstrap_password="mine"), log)
    assert "mine" not in first_password(Settings(bootstrap_password="mine"), log)
    log.write_text("")
    assert str(log) in first_password(Settings(host="0.0.0.0"), log)


async def test_without_a_look_at_the_database_no_password_is_told(tmp_path: Path) -> None:
    facts = Facts(url="http://x", log=tmp_path / "log", database_url="postgresql://x@127.0.0.1:1/x")
    words = "\n".join(await closing_words(Settings(), facts))
    assert "Log in with your account." in words
    assert "password admin" not in words
    assert "A first call:" in words


async def test_a_demo_speaks_for_itself(tmp_path: Path) -> None:
    facts = Facts(url="http://x", log=tmp_path / "log", database_url="postgresql://x@127.0.0.1:1/x")
    words = await closing_words(Settings(), facts, ["Log in as anne"])
    assert "Log in as anne" in words
    assert "A first call:" not in words


def test_the_phone_is_told_where_to_register() -> None:
    assert any("127.0.0.1:5070" in line for line in first_call(5070))
    assert any("your Asterisk" in line for line in first_call(None))
