"""Differences between two files that consist of ``[sections]``, in the unified form. Pure.

``difflib`` compares every line with every other where many small things changed: two thousand phones take it most of
a minute. Here sections are paired by their names first, and only the lines of a pair are compared
(``ccserver.domain.line_diff``).
"""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from ccserver.domain.line_diff import Opcode, add, line_opcodes, tag_of

_CONTEXT = 2


def unified(before: Sequence[str], after: Sequence[str], name_before: str, name_after: str) -> Iterator[str]:
    """Lines of a unified diff without line ends; none when there is no difference."""
    matcher: SequenceMatcher[str] = SequenceMatcher(None, [], [])
    matcher.opcodes = _opcodes(before, after)  # type: ignore[attr-defined]  # what get_opcodes keeps and gives
    begun = False
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        if not begun:
            begun = True
            yield f"--- {name_before}"
            yield f"+++ {name_after}"
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@"
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                yield from (f" {line}" for line in before[i1:i2])
            else:
                yield from (f"-{line}" for line in before[i1:i2])
                yield from (f"+{line}" for line in after[j1:j2])


def _opcodes(before: Sequence[str], after: Sequence[str]) -> Sequence[Opcode]:
    """As ``SequenceMatcher.get_opcodes``."""
    left, right = _sections(before), _sections(after)
    common = [name for name in left if name in right]
    if common != [name for name in right if name in left]:
        return line_opcodes(before, after)
    found: list[Opcode] = []
    i = j = 0
    for name in common:
        (i1, i2), (j1, j2) = left[name], right[name]
        add(found, tag_of(i1 - i, j1 - j), i, i1, j, j1)
        old, new = before[i1:i2], after[j1:j2]
        inner: Sequence[Opcode] = [("equal", 0, len(old), 0, len(new))]
        if old != new:
            inner = line_opcodes(old, new)
        for tag, a1, a2, b1, b2 in inner:
            add(found, tag, i1 + a1, i1 + a2, j1 + b1, j1 + b2)
        i, j = i2, j2
    add(found, tag_of(len(before) - i, len(after) - j), i, len(before), j, len(after))
    return found


def _sections(lines: Sequence[str]) -> dict[tuple[str, int], tuple[int, int]]:
    """Where each begins and ends, by its name and how many of that name came before. Comments right above a name
    belong to it.
    """
    begins: dict[tuple[str, int], int] = {("", 0): 0}
    seen: dict[str, int] = {}
    for place, line in enumerate(lines):
        if not line.startswith("["):
            continue
        begin = place
        while begin > 0 and (not lines[begin - 1].strip() or lines[begin - 1].startswith(";")):
            begin -= 1
        name = line.partition("]")[0]
        seen[name] = seen.get(name, 0) + 1
        begins[name, seen[name]] = begin
    ends = [*list(begins.values())[1:], len(lines)]
    return {key: (begin, end) for (key, begin), end in zip(begins.items(), ends, strict=True)}


def _range(begin: int, end: int) -> str:
    """As diff writes it: from 1 on, and no length for a single line."""
    length = end - begin
    if length == 1:
        return f"{begin + 1}"
    return f"{begin + 1 if length else begin},{length}"
