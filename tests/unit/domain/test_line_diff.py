"""Which lines are the same: the opcodes make the one text the other, whatever the two are."""

from itertools import pairwise

from ccserver.domain.line_diff import Opcode, line_opcodes
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.lists(st.sampled_from([*"abcdefghij", " same", " same", " other"]), max_size=30)


def made_of(before: list[str], after: list[str], opcodes: list[Opcode]) -> tuple[list[str], list[str]]:
    """Both texts again, the equal parts from the one side and the others from the other."""
    old: list[str] = []
    new: list[str] = []
    for tag, i1, i2, j1, j2 in opcodes:
        old += after[j1:j2] if tag == "equal" else before[i1:i2]
        new += before[i1:i2] if tag == "equal" else after[j1:j2]
    return old, new


@given(TEXT, TEXT)
def test_the_opcodes_make_each_text_of_the_other(before: list[str], after: list[str]) -> None:
    opcodes = line_opcodes(before, after)
    assert made_of(before, after, opcodes) == (before, after)
    places = [(i1, j1) for _, i1, _, j1, _ in opcodes]
    assert [(i2, j2) for _, _, i2, _, j2 in opcodes[:-1]] == places[1:]
    tags = [tag for tag, *_ in opcodes]
    assert all((one == "equal") != (other == "equal") for one, other in pairwise(tags))


@given(TEXT)
def test_a_text_is_equal_to_itself(text: list[str]) -> None:
    assert line_opcodes(text, list(text)) == ([("equal", 0, len(text), 0, len(text))] if text else [])


def block(number: int) -> list[str]:
    return [f"exten => {number},1,NoOp()", " same => n,Set(ROLE=fallback)", " same => n,Hangup(34)"]


def test_what_stands_once_holds_together_what_is_repeated_everywhere() -> None:
    before = [line for number in range(0, 4000, 2) for line in block(number)]
    after = [line for number in range(4000) for line in block(number)]
    changed = [code for code in line_opcodes(before, after) if code[0] != "equal"]
    assert {tag for tag, *_ in changed} == {"insert"}
    assert {j2 - j1 for *_, j1, j2 in changed} == {3}
    assert len(changed) == 2000
