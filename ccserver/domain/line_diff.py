"""Which lines of two texts are the same, as opcodes of ``difflib``, quickly for many thousand lines. Pure.

Lines that stand only once in either text tell where they belong ("exten => +33145670001,1,..."): those that come in one
order in both hold the rest together, and only what lies between two of them is looked at by ``difflib``. Repeated lines
(" same => n,Hangup(34)") are what it needs seconds for.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

Opcode = tuple[str, int, int, int, int]
_Pair = tuple[int, int]


def line_opcodes(before: Sequence[str], after: Sequence[str]) -> list[Opcode]:
    """As ``SequenceMatcher.get_opcodes``."""
    found: list[Opcode] = []
    i = j = 0
    for a, b in (*_anchors(before, after), (len(before), len(after))):
        for tag, i1, i2, j1, j2 in _between(before[i:a], after[j:b]):
            add(found, tag, i + i1, i + i2, j + j1, j + j2)
        if a < len(before):
            add(found, "equal", a, a + 1, b, b + 1)
        i, j = a + 1, b + 1
    return found


def add(found: list[Opcode], tag: str, i1: int, i2: int, j1: int, j2: int) -> None:
    """One more opcode; neighbours that are both equal, or both not, become one."""
    if i1 == i2 and j1 == j2:
        return
    if found and (found[-1][0] == "equal") == (tag == "equal"):
        _, a1, _, b1, _ = found.pop()
        i1, j1 = a1, b1
        tag = tag if tag == "equal" else tag_of(i2 - i1, j2 - j1)
    found.append((tag, i1, i2, j1, j2))


def tag_of(old: int, new: int) -> str:
    """What it is called that ``old`` lines give way to ``new`` ones."""
    return "replace" if old and new else "delete" if old else "insert"


def _between(before: Sequence[str], after: Sequence[str]) -> Sequence[Opcode]:
    if before == after:
        return [("equal", 0, len(before), 0, len(after))]
    if not before or not after:
        return [(tag_of(len(before), len(after)), 0, len(before), 0, len(after))]
    return SequenceMatcher(None, before, after).get_opcodes()


def _anchors(before: Sequence[str], after: Sequence[str]) -> Iterator[_Pair]:
    """Places of lines that both have once each, as many as come in the same order."""
    there = {line: place for place, line in _once(after)}
    pairs = [(place, there[line]) for place, line in _once(before) if line in there]
    # The longest row that climbs: ``ends[n]`` is the lowest end of those of n + 1 pairs.
    ends: list[int] = []
    tails: list[int] = []
    previous: list[int] = []
    for index, (_place, other) in enumerate(pairs):
        length = bisect_left(ends, other)
        ends[length : length + 1] = [other]
        tails[length : length + 1] = [index]
        previous.append(tails[length - 1] if length else -1)
    row = []
    at = tails[-1] if tails else -1
    while at >= 0:
        row.append(pairs[at])
        at = previous[at]
    return reversed(row)


def _once(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    seen = Counter(lines)
    return ((place, line) for place, line in enumerate(lines) if seen[line] == 1)
