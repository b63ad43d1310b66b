"""What is said of Asterisk's configuration has a code, and each code has words in every language."""

import ast
import json
import re
from pathlib import Path

import msgspec
import pytest
from ccserver.domain.config import ConfigRun, ConfigState, ConfigStep, Words
from ccserver.domain.config_words import (
    CAUSES,
    ENGLISH,
    REASONS,
    SENTENCES,
    SETTINGS,
    of_error,
    read,
    say,
    worded_state,
)
from ccserver.domain.errors import Unavailable
from ccserver.web.i18n import Catalogues

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "web/static/js/lib/config-sentences.js"
HOLES = re.compile(r"%\((\w+)\)s")
UNNAMED = {"name", "setting", "reason", "self.extension"}
"""What these functions pass on, or fields of the program's own."""


def filled(sentence: str) -> str:
    return sentence % {name: f"<{name}>" for name in HOLES.findall(sentence)}


def test_there_is_one_sentence_for_each_code() -> None:
    assert len(ENGLISH) == len(SENTENCES) + len(CAUSES) + len(SETTINGS) + len(REASONS)


@pytest.mark.parametrize("code", SENTENCES)
def test_what_is_said_is_read_again(code: str) -> None:
    values = {name: f"<{name}>" for name in HOLES.findall(SENTENCES[code])}
    assert read(say(code, **values)) == (Words(code=code, params=dict(values)),)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_found_in_a_row_that_is_left_out(setting: str) -> None:
    (words,) = read(f"Trunk lyon is not in Asterisk: {filled(SETTINGS[setting])}: an IP address")
    why = words.params["why"]
    assert (words.code, isinstance(why, Words) and why.code) == ("trunk_left_out", "value")
    assert isinstance(why, Words)
    said, reason = why.params["setting"], why.params["reason"]
    assert isinstance(said, Words) and said.code == setting
    assert isinstance(reason, Words) and ENGLISH[reason.code] == "an IP address"


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_found_in_a_row_that_is_left_out(reason: str) -> None:
    (words,) = read(f"Number +33140000001 is not in Asterisk: number's site: {filled(REASONS[reason])}")
    why = words.params["why"]
    assert isinstance(why, Words)
    said = why.params["reason"]
    assert isinstance(said, Words) and said.code == reason


def text_of(node: ast.expr) -> str:
    """A text of the program, its values as ``<x>``."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) if isinstance(part, ast.Constant) else "<x>" for part in node.values)
    if isinstance(node, ast.BinOp):
        return text_of(node.left) + "<x>"
    return ast.unparse(node)


def refusals() -> list[tuple[str, str]]:
    """The settings and reasons of every refusal of the model, as the program writes them."""
    found = []
    for file in sorted((ROOT / "ccserver/domain").glob("pbx*.py")):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        for call in calls:
            name, args = ast.unparse(call.func), [text_of(arg) for arg in call.args]
            if name == "PbxModelError":
                found.append((args[0], args[1]))
            elif name == "match" and len(args) == 4:
                found.append((args[2], args[3]))
            elif name.startswith("check_") and len(args) > 1:
                found.append((args[-1], "an IP address"))
    return found


def test_every_refusal_of_the_model_has_words() -> None:
    told = refusals()
    assert len(told) > 90
    for setting, reason in told:
        if reason == "_NO_SITE":
            reason = "its site is not in Asterisk"
        (words,) = read(f"Site paris is not in Asterisk: {setting}: {reason}")
        why = words.params["why"]
        assert isinstance(why, Words), (setting, reason)
        assert setting in UNNAMED or setting == "<x> <x>" or isinstance(why.params["setting"], Words), setting
        assert reason in UNNAMED or isinstance(why.params["reason"], Words), reason


def test_the_page_has_the_same_sentences_and_french_for_each() -> None:
    lines = re.findall(r"^    (\w+): t\((\".*\")\),$", SCRIPT.read_text(), re.MULTILINE)
    assert {code: json.loads(sentence) for code, sentence in lines} == ENGLISH
    french = Catalogues().translations("fr")
    for sentence in ENGLISH.values():
        said = french.gettext(sentence)
        assert sorted(HOLES.findall(said)) == sorted(HOLES.findall(sentence)), sentence
        assert said != sentence or len(sentence.split()) < 2 or "%(name)s" in sentence, sentence


def test_asterisks_own_lines_stay_and_bare_codes_are_understood() -> None:
    text = "Could not find option suitable for category '1004' named 'callerrid' at line 131\nrehearsal_away"
    own, bare = read(text)
    assert own == Words(code="said", params={"text": text.splitlines()[0]})
    assert bare == Words(code="rehearsal_away")
    assert of_error(Unavailable("rehearsal_away")) == SENTENCES["rehearsal_away"]
    assert of_error(ValueError("other")) == "other"


def test_a_state_is_told_by_codes_and_one_of_an_earlier_release_is_still_read() -> None:
    step = ConfigStep(name="plan", state="done", message=say("planned", changes=13, files=25))
    run = ConfigRun(
        id="1",
        action="check",
        step="plan",
        steps=(step,),
        who="chief",
        origin="page",
        started_at=1.0,
        message=say("nothing_changed"),
    )
    left = "Phone 1001 is not in Asterisk: site: its site is not in Asterisk"
    state = worded_state(ConfigState(run=run, left_out=(left,), problem=say("not_booted")))
    assert state.run is not None
    assert [words.code for words in state.run.words] == ["nothing_changed"]
    assert state.run.steps[0].words == (Words(code="planned", params={"changes": "13", "files": "25"}),)
    assert [words.code for words in state.left_out_words] == ["phone_left_out"]
    assert [words.code for words in state.problem_words] == ["not_booted"]
    assert msgspec.json.decode(msgspec.json.encode(state), type=ConfigState) == state
    old = msgspec.json.decode(b'{"name": "plan", "state": "done", "message": "x"}', type=ConfigStep)
    assert old.words == ()
