"""Asterisk's configuration files as text, made from the model and the templates in ``asterisk-config``.

Two walls keep the database out of the files' syntax: the model refuses strings that could escape (see
``ccserver.domain.pbx``), and every value is checked once more on its way into a template.
"""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined

from ccserver.domain.pbx import DidPbx, PbxModel, PhonePbx, SitePbx, TrunkPbx
from ccserver.domain.pbx_dialling import (
    LONGEST_SHORT_NUMBER,
    dialling_plan,
    emergency_numbers,
    presented_forms,
    short_numbers,
)
from ccserver.domain.pbx_values import DIAL_PREFIX, TRUNK_SECRET
from ccserver.domain.way import FINAL_PATTERNS

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "asterisk-config"
_SUFFIX: Final = ".j2"
_EXPRESSION: Final = re.compile(r"[0-9()\[\]{}|,?-]+")
_HARMLESS: Final = re.compile(r"[\w .'()+/:@~-]*")
"""Letters and digits of any script, and punctuation that ends no setting."""


class UnsafeValueError(ValueError):
    """A value on its way into a configuration file carries a character that could end its setting."""


class _Written(str):
    """Text that a filter made safe, or that was checked before, and that is written as it is."""

    __slots__ = ()


def guard(value: object) -> object:
    """The last check before a value is written: letters, digits and harmless punctuation only.

    Raises UnsafeValueError for anything else, and for values that are not text or whole numbers, whose
    printed form nobody has thought about.
    """
    if isinstance(value, str):  # most of them, in their tens of thousands
        if type(value) is _Written or _HARMLESS.fullmatch(value):
            return value
    elif isinstance(value, Undefined) or (isinstance(value, int) and not isinstance(value, bool)):
        return value  # writing what is undefined raises an error that names it
    raise UnsafeValueError("a value does not fit into a configuration file")


def quoted(value: str) -> str:
    """A caller name between quotation marks, or nothing when it is empty."""
    return _Written(f'"{guard(value)}"') if value else ""


def host(value: str) -> str:
    """A host of a checked model; only here may a value bring the brackets of an IPv6 address."""
    inner = value.removeprefix("[").removesuffix("]")
    guard(inner)
    return _Written(f"[{inner}]" if ":" in inner else inner)


def keys(value: str) -> str:
    """What can be pressed on a telephone, of a checked model; as it stands in the user part of a SIP URI."""
    if not DIAL_PREFIX.fullmatch(value):
        raise UnsafeValueError("a value does not fit into a configuration file")
    return _Written(value)


def expression(value: str) -> str:
    """A regular expression of digits: no quotation mark, no ``$`` and no ``\\`` is in it, and its brackets close."""
    if not _EXPRESSION.fullmatch(value):
        raise UnsafeValueError("a value does not fit into a configuration file")
    return _Written(f"^({value})$")


def trunk_secret(value: str) -> str:
    """A provider's password of a checked model. No ``;`` and no line end is in it: nothing else ends a setting."""
    if not TRUNK_SECRET.fullmatch(value):
        raise UnsafeValueError("a value does not fit into a configuration file")
    return _Written(value)


def written(value: str) -> str:
    """What a macro or a function of this module wrote, whose own values were checked on their way into it.

    Its last line end is left to the template, which writes one behind the macro's call.
    """
    return _Written(value.removesuffix("\n"))


def zone_name(zone: str) -> str:
    """``Europe/Paris`` as the name of a setting."""
    return re.sub(r"[^a-z0-9]", "-", zone.lower())


def uri_of(trunk: TrunkPbx) -> str:
    """Where a trunk's other side is, as a setting: ``;`` would begin a comment."""
    transport = "" if trunk.transport == "udp" else rf"\;transport={trunk.transport}"
    return _Written(f"sip:{host(trunk.uri_host)}:{trunk.port}{transport}")


def emergency_target(trunk: TrunkPbx, number: str) -> str:
    """The trunk by its address; the prefix, if there is one, belongs to the gateway's line and not to the number."""
    user = f"{keys(trunk.dial_prefix)}{guard(number)}".replace("#", "%23")
    return _Written(f"PJSIP/trunk-{guard(trunk.slug)}/" + uri_of(trunk).replace("sip:", f"sip:{user}@", 1))


def environment(templates: Path) -> Environment:
    """The one way templates are read: undefined names are errors, values pass ``guard``."""
    made = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        finalize=guard,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - these are not web pages; guard() is the escaping
    )
    for function in (quoted, host, keys, expression, trunk_secret, written, zone_name):
        made.filters[function.__name__] = function
    return made


@lru_cache(maxsize=8)
def _environment(templates: Path) -> Environment:
    return environment(templates)


def render_all(
    templates: Path, context: Mapping[str, object], *, only: Collection[str] | None = None
) -> dict[str, str]:
    """Each ``name.j2`` directly in the folder (but not ``_partials``), or ``only`` some, under ``name``."""
    env = _environment(templates)
    names = sorted(p.name for p in templates.glob(f"*{_SUFFIX}") if not p.name.startswith("_"))
    wanted = [name for name in names if only is None or name.removesuffix(_SUFFIX) in only]
    return {name.removesuffix(_SUFFIX): env.get_template(name).render(context) for name in wanted}


_BOTH_RING_SECONDS: Final = 240
"""How long a number of ours is called that passes on by itself: as long as its two destinations may be rung."""
_UNKNOWN_FINGERPRINT: Final = "0" * 16
_HEADER: Final = "; generated by ccserver from revision "


def render(model: PbxModel, templates: Path = TEMPLATES) -> Mapping[str, str]:
    """Every file of Asterisk's ``etc`` directory: relative path to text."""
    files = render_all(templates, context_of(model))
    dialplan = files.get("extensions.conf", "")
    mark = fingerprint({"extensions.conf": dialplan})[: len(_UNKNOWN_FINGERPRINT)]
    files["extensions.conf"] = dialplan.replace(_UNKNOWN_FINGERPRINT, mark, 1)
    return files


def context_of(model: PbxModel) -> dict[str, object]:
    """What the templates know."""

    def plan_of(site: SitePbx) -> object:
        return dialling_plan(site.country)

    def numbers_in(country: str) -> dict[str, DidPbx]:
        """Our numbers by each form in which a gateway in ``country`` may present them; a number itself goes first."""
        found = {did.number: did for did in model.dids}
        for did in model.dids:
            for form in presented_forms(did.number, country):
                found.setdefault(form, did)
        return found

    boxes: dict[str, list[str]] = {}
    for did in model.dids:
        for extension in {one.extension for one in did.destinations} if did.box else ():
            boxes.setdefault(extension, []).append(did.box)

    def boxes_of(phone: PhonePbx) -> list[str]:
        """The boxes of the numbers that ring this phone."""
        return boxes.get(phone.extension, [])

    return {
        "model": model,
        "plan_of": plan_of,
        "boxes_of": boxes_of,
        "uri_of": uri_of,
        "emergency_target": emergency_target,
        "emergency_numbers": emergency_numbers,
        "longest_short": LONGEST_SHORT_NUMBER,
        "final_statuses": FINAL_PATTERNS,
        "short_numbers": short_numbers,
        "presented_forms": presented_forms,
        "numbers_in": numbers_in,
        "countries": sorted({site.country for site in model.sites}),
        "fingerprint": _UNKNOWN_FINGERPRINT,
        "both_ring_seconds": _BOTH_RING_SECONDS,
    }


def fingerprint(files: Mapping[str, str]) -> str:
    """What the files say, as a short name for it: the same for two revisions that differ in their number only."""
    digest = sha256()
    for name, text in sorted(files.items()):
        body = text.partition("\n")[2] if text.startswith(_HEADER) else text
        for part in (name, body):
            digest.update(f"{len(part.encode())}:".encode() + part.encode())
    return digest.hexdigest()
