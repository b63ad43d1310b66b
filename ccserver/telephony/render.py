"""Asterisk's configuration files as text, made from the model and the templates in ``asterisk-config``.

Two walls keep the database out of the files' syntax: the model refuses strings that could escape (see
``ccserver.domain.pbx``), and every value is checked once more on its way into a template.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined

from ccserver.domain.pbx import EMERGENCY_NUMBERS, PbxModel, SitePbx, TrunkPbx

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "asterisk-config"
_SUFFIX: Final = ".j2"
_ALLOWED_PUNCTUATION: Final = frozenset(" .'-_()+/:@~")


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
    if isinstance(value, Undefined):
        return value  # writing it raises an error that names it
    if isinstance(value, _Written) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and all(c.isalnum() or c in _ALLOWED_PUNCTUATION for c in value):
        return value
    raise UnsafeValueError("a value does not fit into a configuration file")


def quoted(value: str) -> str:
    """A caller name between quotation marks, or nothing when it is empty."""
    return _Written(f'"{guard(value)}"') if value else ""


def host(value: str) -> str:
    """A host of a checked model; only here may a value bring the brackets of an IPv6 address."""
    inner = value.removeprefix("[").removesuffix("]")
    guard(inner)
    return _Written(f"[{inner}]" if ":" in inner else inner)


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
    made.filters["quoted"] = quoted
    made.filters["host"] = host
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


def render(model: PbxModel, templates: Path = TEMPLATES) -> Mapping[str, str]:
    """Every file of Asterisk's ``etc`` directory: relative path to text."""
    trunks = {trunk.slug: trunk for trunk in model.trunks}

    def trunks_of(site: SitePbx) -> list[TrunkPbx]:
        return [trunks[slug] for slug in site.trunks]

    return render_all(
        templates, {"model": model, "emergency_numbers": EMERGENCY_NUMBERS, "trunks_of": trunks_of}
    )
