"""Every error code that the server can raise has a sentence, in both languages."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import ccserver
import pytest
from ccserver.domain import errors
from ccserver.domain.config_words import say
from ccserver.domain.errors import Conflict, DomainError, FieldError, Invalid, Throttled, Unavailable
from ccserver.web import problem
from ccserver.web.i18n import Catalogues
from ccserver.web.sentences import ERRORS, EXPECTED, FIELDS, TITLES

PACKAGE = Path(ccserver.__file__).parent
RAISED = {"Unauthenticated", "Forbidden", "NotFound", "Conflict", "Unavailable"}
INTERNAL = ("telephony", "stack")
"""Folders whose field errors tell a mistake of ours, not of a person: they are logged."""


def _calls() -> Iterator[tuple[str, str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                texts = [a.value if isinstance(a, ast.Constant) else None for a in node.args]
                where = path.relative_to(PACKAGE)
                if node.func.id in RAISED and texts and isinstance(texts[0], str):
                    yield str(where), "error", texts[0]
                internal = where.parts[0] in INTERNAL
                if node.func.id == "FieldError" and not internal and isinstance(texts[1], str):
                    yield str(where), "field", texts[1]


def test_every_code_has_a_sentence() -> None:
    missing = [
        found
        for found in _calls()
        if found[2] not in (ERRORS if found[1] == "error" else {**ERRORS, **FIELDS})
    ]
    assert not missing


def test_every_kind_of_error_has_a_sentence_and_a_status() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, DomainError)]
    for kind in kinds:
        if kind is not DomainError:
            assert kind.code in ERRORS
            assert kind in problem.STATUS


@pytest.mark.parametrize(
    "sentence", [*TITLES.values(), *ERRORS.values(), *FIELDS.values(), *EXPECTED.values()]
)
def test_every_sentence_is_translated_with_its_values(sentence: str, catalogues: Catalogues) -> None:
    french = catalogues.say("fr", sentence)
    assert french != sentence
    assert _values(french) == _values(sentence)


def _values(sentence: str) -> set[str]:
    parts = sentence.replace("%(", "{").replace(")s", "}")
    return {name for _, name, _, _ in Formatter().parse(parts) if name}


def test_a_problem_tells_its_fields_in_the_readers_language(catalogues: Catalogues) -> None:
    error = Invalid(FieldError("login", "wrong_type", (("expected", "str"),)))
    french = problem.from_domain(error, catalogues, "fr", "r1")
    english = problem.from_domain(error, catalogues, "en", "r1")
    assert (french.status, french.code) == (422, "invalid")
    assert english.errors[0].message == "Expected text."
    assert french.errors[0].message != english.errors[0].message


def test_an_unknown_code_falls_back_to_its_kind(catalogues: Catalogues) -> None:
    told = problem.from_domain(Unavailable("internal"), catalogues, "en", "r1")
    assert told.detail.endswith("r1"), "a fault of the owner names the reference as well"
    told = problem.from_domain(Unavailable("something_new"), catalogues, "en", "r1")
    assert (told.status, told.code) == (503, "something_new")
    assert told.detail == ERRORS["unavailable"]


def test_a_sentence_without_its_value_still_comes(catalogues: Catalogues) -> None:
    told = problem.from_domain(DomainError("throttled"), catalogues, "en", "r1")
    assert "Too many attempts" in told.detail


def test_why_nothing_can_be_planned_is_told_in_the_readers_language(catalogues: Catalogues) -> None:
    why = "trunk lyon: this Asterisk does not listen on IPv6"
    error = Conflict("config_unplanned", reason=f"{say('value_unfit', why=why)}\nAsterisk's own line")
    assert why in problem.from_domain(error, catalogues, "en", "r1").detail
    french = problem.from_domain(error, catalogues, "fr", "r1").detail
    assert "trunk lyon\u00a0: cet Asterisk n’écoute pas en IPv6 Asterisk's own line" in french
    assert "cannot be written" not in french
    bare = problem.from_domain(Conflict("config_unplanned"), catalogues, "fr", "r1")
    assert bare.code == "config_unplanned" and bare.detail


def test_throttled_says_how_long(catalogues: Catalogues) -> None:
    told = problem.from_domain(Throttled(7), catalogues, "en", "r1")
    assert "7 seconds" in told.detail
    assert problem.headers_of(Throttled(7)) == {"Retry-After": "7"}
