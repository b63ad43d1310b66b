"""A strict reader of Asterisk's configuration syntax: what it does not understand, no template meant to write."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_SECTION = re.compile(r"\[([A-Za-z0-9_./-]+)\](?:\(([!A-Za-z0-9_,-]+)\))?")
_SETTING = re.compile(
    r"([A-Za-z0-9_.+-]+|eventfilter\(action\(exclude\),name\([A-Za-z]+\)\)) (=>?)(?: (.*))?"
)
_INCLUDE = re.compile(r"#tryinclude [a-z]+\.d/\*\.conf")
_EXTEN = re.compile(r"exten => (_?[][A-Za-z0-9+*!._-]+),1,(.*)")
_SAME = re.compile(r" same => n(?:\(([a-z0-9-]+)\))?,(.*)")
_APPLICATION = re.compile(r"([A-Za-z]+)\((.*)\)")
_JUMP = re.compile(r"(?:Goto|Gosub)\(([A-Za-z0-9-]+),([^,()?]*(?:\([^()]*\)[^,()?]*)*),(\d+)\)")
_CONDITIONAL = re.compile(r"\?([A-Za-z0-9-]+),([^?]*),(\d+)\)$")
_CLOSING = {")": "(", "}": "{", "]": "["}


@dataclass
class Block:
    """A section: its name, what stands behind it in brackets, and its settings in order."""

    name: str
    bases: str
    settings: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Context:
    """A context of the dialplan: its extensions with their steps, and what it includes."""

    name: str
    extensions: dict[str, list[str]] = field(default_factory=dict)
    includes: list[str] = field(default_factory=list)

    def jumps(self) -> Iterator[tuple[str, str]]:
        """Context and extension of each jump to another context, as written."""
        for steps in self.extensions.values():
            for step in steps:
                found = _JUMP.search(step) or _CONDITIONAL.search(step)
                if found:
                    yield found.group(1), found.group(2)


def blocks(text: str) -> list[Block]:
    """The sections of a file. Raises AssertionError for a line that is no setting, section, comment or include."""
    assert text.endswith("\n")
    found: list[Block] = []
    for line in text[:-1].split("\n"):
        if not line or line.startswith(";"):
            continue
        section = _SECTION.fullmatch(line)
        if section:
            found.append(Block(section.group(1), section.group(2) or ""))
        elif not _INCLUDE.fullmatch(line):
            setting = _SETTING.fullmatch(line)
            assert setting, f"not a setting: {line!r}"
            value = setting.group(3) or ""
            assert ";" not in value.replace(r"\;", ""), f"a comment inside a setting: {line!r}"
            found[-1].settings.append((setting.group(1), value))
    return found


def dialplan(text: str) -> dict[str, Context]:
    """The contexts of extensions.conf. Raises AssertionError for a line that is none of its forms."""
    contexts: dict[str, Context] = {}
    current, steps = Context("general"), list[str]()
    for line in text[:-1].split("\n"):
        if not line or line.startswith(";") or _INCLUDE.fullmatch(line):
            continue
        section = _SECTION.fullmatch(line)
        if section:
            current = Context(section.group(1))
            assert current.name not in contexts, f"context {current.name} twice"
            contexts[current.name] = current
        elif line.startswith("include => "):
            current.includes.append(line.removeprefix("include => "))
        elif current.name in ("general", "globals"):
            assert _SETTING.fullmatch(line), f"not a setting: {line!r}"
        elif extension := _EXTEN.fullmatch(line):
            assert extension.group(1) not in current.extensions, (
                f"{extension.group(1)} twice in {current.name}"
            )
            steps = [_step(extension.group(2))]
            current.extensions[extension.group(1)] = steps
        else:
            same = _SAME.fullmatch(line)
            assert same, f"not a line of a dialplan: {line!r}"
            steps.append(_step(same.group(2)))
    return contexts


def _step(text: str) -> str:
    assert ";" not in text.replace(r"\;", ""), f"a comment inside a step: {text!r}"
    assert _APPLICATION.fullmatch(text), f"not an application: {text!r}"
    open_: list[str] = []
    for char in text:
        if char in _CLOSING.values():
            open_.append(char)
        elif char in _CLOSING:
            assert open_ and open_.pop() == _CLOSING[char], f"brackets: {text!r}"
    assert not open_, f"brackets: {text!r}"
    return text
