"""Differences by section: what they show can be applied, whatever the two files are."""

import re

import pytest
from ccserver.domain.section_diff import unified
from hypothesis import given
from hypothesis import strategies as st

LINE = st.sampled_from(["[a]", "[b]", "[b](t)", "[c]", "; note", "", "x = 1", "x = 2", "y = 3"])
FILE = st.lists(LINE, max_size=25)
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def patched(before: list[str], diff: list[str]) -> list[str]:
    """``before`` with the differences applied, as patch does."""
    made: list[str] = []
    place = 0
    for line in diff[2:]:
        if hunk := _HUNK.fullmatch(line):
            begin = int(hunk[1]) - (0 if hunk[2] == "0" else 1)
            made += before[place:begin]
            place = begin
            assert len(made) == int(hunk[3]) - (0 if hunk[4] == "0" else 1)
        elif line[0] == "+":
            made.append(line[1:])
        else:
            assert before[place] == line[1:]
            made += [line[1:]] if line[0] == " " else []
            place += 1
    return made + before[place:]


@given(FILE, FILE)
def test_what_is_shown_makes_the_one_file_the_other(before: list[str], after: list[str]) -> None:
    diff = list(unified(before, after, "now", "then"))
    assert patched(before, diff) == after
    assert bool(diff) == (before != after)


def section(number: int, secret: str = "a") -> list[str]:
    return ["", f"; --- phone {number}", f"[{number}]", "type = auth", f"password = {secret}"]


def test_a_new_section_comes_with_its_comment() -> None:
    before = [*section(1), *section(3)]
    diff = list(unified(before, [*section(1), *section(2), *section(3)], "now", "then"))
    assert [line for line in diff[2:] if line[0] in "+-"] == [f"+{line}" for line in section(2)]


@pytest.mark.parametrize("secret", ["a", "b"])
def test_thousands_of_sections_are_compared_one_by_one(secret: str) -> None:
    before = [line for number in range(3000) for line in section(number)]
    after = [line for number in range(3000) for line in section(number, secret)]
    changed = [line for line in unified(before, after, "now", "then") if line == f"+password = {secret}"]
    assert len(changed) == (0 if secret == "a" else 3000)
