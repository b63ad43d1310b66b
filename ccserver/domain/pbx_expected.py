"""What an Asterisk that has read a tree of files must be able to say about itself. Pure.

Read from the files and not from the model: the same questions can be put about a tree of an older revision, and
to a throw-away Asterisk as well as to the real one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

FINGERPRINT_GLOBAL: Final = "CC_FINGERPRINT"
_SECTION: Final = re.compile(r"\[(?P<name>[^\]]+)\](?:\((?P<more>[^)]*)\))?")
_SETTING: Final = re.compile(r"(?P<key>[\w/-]+)\s*=>?\s*(?P<value>.*)")
_NOT_CONTEXTS: Final = frozenset({"general", "globals"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One ``[name](templates)`` of a file with its own settings and those of its templates; the last wins."""

    name: str
    settings: Mapping[str, str]
    template: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Names that must be there once the tree is read, and the dialplan's own mark."""

    endpoints: frozenset[str] = frozenset()
    registrations: frozenset[str] = frozenset()
    contexts: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Names of the tree before that must not be there any more."""

    endpoints: frozenset[str] = frozenset()
    registrations: frozenset[str] = frozenset()
    contexts: frozenset[str] = frozenset()
    queues: frozenset[str] = field(default_factory=frozenset)


def expected_of(files: Mapping[str, str]) -> Expected:
    """What the tree promises."""
    pjsip = [section for section in sections(files.get("pjsip.conf", "")) if not section.template]
    dialplan = [section for section in sections(files.get("extensions.conf", "")) if not section.template]
    queues = [section for section in sections(files.get("queues.conf", "")) if not section.template]
    mark = next((s.settings.get(FINGERPRINT_GLOBAL, "") for s in dialplan if s.name == "globals"), "")
    return Expected(
        endpoints=frozenset(s.name for s in pjsip if s.settings.get("type") == "endpoint"),
        registrations=frozenset(s.name for s in pjsip if s.settings.get("type") == "registration"),
        contexts=frozenset(s.name for s in dialplan if s.name not in _NOT_CONTEXTS),
        queues=frozenset(s.name for s in queues if s.name not in _NOT_CONTEXTS),
        fingerprint=mark,
    )


def gone(before: Expected, after: Expected) -> Gone:
    """What the older tree promised and the newer one does not."""
    return Gone(
        endpoints=before.endpoints - after.endpoints,
        registrations=before.registrations - after.registrations,
        contexts=before.contexts - after.contexts,
        queues=before.queues - after.queues,
    )


def sections(text: str) -> Iterator[Section]:
    """The sections of a file in order. A name may come more than once, as in pjsip.conf."""
    templates: dict[str, dict[str, str]] = {}
    current: Section | None = None
    own: dict[str, str] = {}
    for raw in text.splitlines():
        line = raw.partition(";")[0].strip()
        begin = _SECTION.match(line)
        if begin:
            if current is not None:
                yield current
            more = [part.strip() for part in (begin["more"] or "").split(",") if part.strip()]
            own = {}
            for parent in more:
                own.update(templates.get(parent, {}))
            current = Section(name=begin["name"], settings=own, template="!" in more)
            if current.template:
                templates[current.name] = own
            continue
        setting = _SETTING.fullmatch(line)
        if current is not None and setting:
            own[setting["key"]] = setting["value"].strip()
    if current is not None:
        yield current
