"""Languages: sentences are written in English in the code and translated by gettext catalogues.

A catalogue is ``ccserver/locales/<lang>/LC_MESSAGES/ccserver.po``. Its compiled ``.mo`` is used when it is
there and not older; otherwise the ``.po`` is compiled in memory, so a fresh checkout speaks French at once.
"""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

LOCALES_ROOT = Path(__file__).resolve().parents[1] / "locales"
DOMAIN = "ccserver"
LOCALES = ("fr", "en")
DEFAULT = "fr"
SOURCE = "en"
"""The language of the sentences in the code: it needs no catalogue."""


def N_(message: str) -> str:
    """Marks a sentence for extraction; it is translated where the reader's language is known."""
    return message


class Catalogues:
    """Every language's sentences, read once."""

    def __init__(self, root: Path = LOCALES_ROOT, locales: Iterable[str] = LOCALES) -> None:
        self._by_locale: dict[str, NullTranslations] = {
            locale: _load(root / locale / "LC_MESSAGES", locale) for locale in locales
        }

    @property
    def locales(self) -> tuple[str, ...]:
        return tuple(self._by_locale)

    def translations(self, locale: str) -> NullTranslations:
        """gettext and ngettext of a language, for templates; the default language for an unknown one."""
        return self._by_locale.get(locale) or self._by_locale[DEFAULT]

    def say(self, locale: str, message: str, params: Mapping[str, str] | None = None) -> str:
        """``message`` in ``locale`` with ``%(name)s`` filled from ``params``."""
        text: str = self.translations(locale).gettext(message)
        return text % dict(params) if params else text

    def negotiate(self, accept_language: str) -> str:
        """The best known language for an Accept-Language header; French when it names none of ours."""
        for tag in _by_preference(accept_language):
            language = tag.split("-", 1)[0]
            if language in self._by_locale:
                return language
        return DEFAULT


def _load(folder: Path, locale: str) -> NullTranslations:
    source, compiled = folder / f"{DOMAIN}.po", folder / f"{DOMAIN}.mo"
    if locale == SOURCE and not source.exists():
        return NullTranslations()
    if compiled.exists() and (not source.exists() or compiled.stat().st_mtime >= source.stat().st_mtime):
        with compiled.open("rb") as file:
            return Translations(file, domain=DOMAIN)
    if not source.exists():
        return NullTranslations()
    buffer = io.BytesIO()
    with source.open("rb") as file:
        write_mo(buffer, read_po(file, locale=locale))
    buffer.seek(0)
    return Translations(buffer, domain=DOMAIN)


def _by_preference(header: str) -> list[str]:
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:500].split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        if tag and weight > 0:
            ranked.append((-weight, place, tag.strip().lower()))
    return [tag for _, _, tag in sorted(ranked)]
