"""Sentences: all of them translated, none written in the markup or the scripts, French typography kept."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from ccserver.web.i18n import LOCALES_ROOT

ROOT = Path(__file__).resolve().parents[3]
CATALOGUE = LOCALES_ROOT / "fr" / "LC_MESSAGES" / "ccserver.po"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None, "t": None, "tn": (1, 2)}
TEMPLATES = sorted((ROOT / "web" / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "web" / "static" / "js").rglob("*.js"))


def sentences() -> set[str]:
    """Every sentence in the code, the singular of those that are counted."""
    with (LOCALES_ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = set()
    for folder in ("ccserver", "web"):
        for _, _, message, _, _ in extract_from_dir(ROOT / folder, methods, options, KEYWORDS):
            found.add(message if isinstance(message, str) else message[0])
    return found


def translations() -> Iterator[tuple[str, str, bool]]:
    """Sentence, French, doubtful; once for each form of those that are counted."""
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="fr")
    for message in catalogue:
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        said = [message.string] if isinstance(message.string, str) else list(message.string)
        for sentence, french in zip(ids, said, strict=True):
            yield sentence, french, message.fuzzy


def test_every_sentence_speaks_french() -> None:
    known = {sentence: french for sentence, french, _ in translations()}
    missing = sorted(s for s in sentences() if not known.get(s))
    assert not missing, f"run scripts/messages, then translate: {missing}"


def test_nothing_is_doubtful_or_left_over() -> None:
    used = sentences()
    assert not [s for s, _, fuzzy in translations() if fuzzy]
    left = [s for s, _, _ in translations() if s not in used and not s.startswith("%(n)s")]
    assert not left, f"run scripts/messages: {left}"


def test_values_keep_their_names() -> None:
    for sentence, french, _ in translations():
        names = set(re.findall(r"%\((\w+)\)s", sentence))
        assert set(re.findall(r"%\((\w+)\)s", french)) == names, sentence


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (r"(?<![\u202f\w])[;!?](?=\s|$)|[^\u202f][;!?](?=\s|$)", "U+202F before ; ! ?"),
        (r"[^\u00a0\d]:(?=\s|$)", "U+00A0 before :"),
        (r"«(?!\u00a0)|(?<!\u00a0)»", "U+00A0 inside « »"),
        (r"'", "the apostrophe is ’"),
        (r"\.\.\.", "the ellipsis is …"),
        (r"\boe|\bcoeur|\bEtat|\bA l", "œ and accented capitals"),
    ],
)
def test_french_typography(wrong: str, why: str) -> None:
    bad = [french for _, french, _ in translations() if re.search(wrong, french)]
    assert not bad, why


def test_the_words_of_a_french_call_centre() -> None:
    known = {sentence: french for sentence, french, _ in translations()}
    expected = {
        "Available": "Disponible",
        "On hold": "En attente",
        "On a call": "En ligne",
        "Wrap-up": "Post-appel",
        "No answer": "Sans réponse",
        "Busy": "Occupé",
        "Answered": "Décroché",
        "Missed": "Manqué",
    }
    assert {sentence: known[sentence] for sentence in expected} == expected


LITERAL = {"Français", "English", "ccserver", "·", "0"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda p: p.name)
def test_no_bare_text_in_templates(template: Path) -> None:
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->", "", template.read_text(), flags=re.DOTALL)
    bare = {piece.strip(" \n·0.") for piece in re.findall(r">([^<>]+)<", text)}
    assert not {piece for piece in bare if re.search(r"[^\W\d_]{2}", piece)} - LITERAL
    for attribute in ("aria-label", "title", "alt", "placeholder"):
        values = re.findall(rf'\b{attribute}="([^"]*)"', text)
        assert not [value for value in values if re.search(r"[^\W\d_]{2}", value)], attribute


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_no_bare_sentence_in_scripts(script: Path) -> None:
    code = re.sub(r"/\*.*?\*/|(?m:^\s*//.*$)", "", script.read_text(), flags=re.DOTALL)
    code = re.sub(r"\btn?\(\s*(\"[^\"]*\",?\s*)+", "t(", code)
    strings = [double or single for double, single in re.findall(r'"([^"\n]*)"|`([^`\n]*)`', code)]
    sentences = [s for s in strings if re.match(r"[A-ZÉÀ][\w’]+( [\w’]+)+|[A-ZÉ][a-zé]+…$", s)]
    assert not set(sentences) - {"Camille Roux"}  # the style guide's example


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_data_never_becomes_markup(script: Path) -> None:
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", script.read_text()
    )
