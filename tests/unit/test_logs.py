"""Log lines: shaped, named, and without secrets."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
from ccserver import logs


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure("json", "INFO")
    yield stream
    monkeypatch.undo()
    logs.configure("text", "DEBUG")


def _read(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_ids_are_on_each_line_and_only_inside_the_block(lines: io.StringIO) -> None:
    log = structlog.get_logger("test")
    with logs.bound(request_id="r1"), logs.bound(linkedid="1700000000.1"):
        log.info("inside", number=3)
        logging.getLogger("library").warning("from %s", "outside")
    log.info("after")
    inside, library, after = _read(lines)
    assert inside["request_id"] == library["request_id"] == "r1"
    assert inside["linkedid"] == library["linkedid"] == "1700000000.1"
    assert (inside["event"], inside["number"], inside["level"]) == ("inside", 3, "info")
    assert library["event"] == "from outside"
    assert "request_id" not in after


def test_secrets_are_masked_wherever_they_are(lines: io.StringIO) -> None:
    log = structlog.get_logger("test")
    log.info(
        "Authorization: Bearer abc.def.ghi and password=hunter2",
        password="hunter2",
        ami_secret="s3cr3t",
        headers={"Cookie": "ccs_access=abc", "Accept": "text/html"},
        url="postgresql://user:hunter2@host/db",
        token=None,
        tokens_used=["hunter2"],
    )
    try:
        raise ValueError("connect to redis://:hunter2@host failed, secret=s3cr3t")
    except ValueError:
        log.exception("it failed")
    logging.getLogger("library").warning("login with token=hunter2")
    text = lines.getvalue()
    for secret in ("hunter2", "s3cr3t", "abc.def.ghi", "ccs_access=abc"):
        assert secret not in text
    first = _read(lines)[0]
    assert first["headers"] == {"Cookie": "***", "Accept": "text/html"}
    assert first["token"] is None
    assert first["url"] == "postgresql://user:***@host/db"


def test_the_text_format_is_readable(lines: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", lines)  # again: pytest sets it anew between set-up and test
    logs.configure("text", "INFO")
    structlog.get_logger("test").info("hello", who="you")
    assert "hello" in lines.getvalue() and "who=you" in lines.getvalue()


def test_levels(lines: io.StringIO) -> None:
    structlog.get_logger("test").debug("not shown")
    logging.getLogger("yoyo.migrations").info("step by step")
    assert lines.getvalue() == ""
