"""Which language somebody gets."""

import os
from pathlib import Path

import pytest
from ccserver.web.i18n import Catalogues
from hypothesis import given
from hypothesis import strategies as st

PO = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Hello %(name)s"
msgstr "Bonjour %(name)s"
"""


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "fr"),
        ("fr", "fr"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("de, en;q=0.5, fr;q=0.8", "fr"),
        ("de", "fr"),
        ("*", "fr"),
        ("fr;q=0, en;q=0.1", "en"),
        ("en;q=x", "fr"),
        (",,;;=", "fr"),
    ],
)
def test_the_best_known_language_wins(catalogues: Catalogues, header: str, language: str) -> None:
    assert catalogues.negotiate(header) == language


@given(st.text(max_size=600))
def test_any_header_gives_a_known_language(header: str) -> None:
    assert Catalogues(Path("/nowhere")).negotiate(header) in ("fr", "en")


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "ccserver.po").write_text(PO)
    return folder


def test_a_po_file_speaks_without_being_compiled(tmp_path: Path) -> None:
    _folder(tmp_path)
    catalogues = Catalogues(tmp_path)
    assert catalogues.say("fr", "Hello %(name)s", {"name": "Zoé"}) == "Bonjour Zoé"
    assert catalogues.say("en", "Hello %(name)s", {"name": "Zoé"}) == "Hello Zoé"
    assert catalogues.say("fr", "Not translated") == "Not translated"


def test_a_compiled_file_that_is_older_is_not_believed(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    compiled = folder / "ccserver.mo"
    compiled.write_bytes(b"not a catalogue")
    os.utime(compiled, (1, 1))
    assert Catalogues(tmp_path).say("fr", "Hello %(name)s", {"name": "X"}) == "Bonjour X"
