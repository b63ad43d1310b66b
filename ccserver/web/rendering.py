"""Pages from templates: one Jinja2 environment a language, and what every page's shell is given.

The boot data is the page's first truth, inlined as JSON; the scripts' sentences travel in it.
"""

import io
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from babel.messages.extract import extract_javascript
from markupsafe import Markup

from ccserver.domain.access import Ability, Role
from ccserver.web.assets import WEB_ROOT, Assets
from ccserver.web.i18n import N_, Catalogues

THEMES = ("auto", "light", "dark")

ROLE_NAMES: dict[Role, str] = {
    Role.AGENT: N_("Agent"),
    Role.SUPERVISOR: N_("Supervisor"),
    Role.ADMIN: N_("Administrator"),
    Role.SUPER_ADMIN: N_("Super administrator"),
}


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the main navigation, shown to those who have the ability."""

    path: str
    icon: str
    label: str
    ability: Ability


NAV = (
    NavItem("/desk", "headset", N_("My desk"), Ability.CALL),
    NavItem("/board", "layout-dashboard", N_("Board"), Ability.SEE_BOARD),
    NavItem("/calls", "history", N_("Calls"), Ability.SEE_HISTORY),
    NavItem("/users", "users", N_("Users"), Ability.MANAGE_USERS),
    NavItem("/sites", "building-2", N_("Sites"), Ability.MANAGE_SITES),
    NavItem("/phones", "phone", N_("Phones"), Ability.MANAGE_SITES),
    NavItem("/config", "server-cog", N_("Asterisk"), Ability.MANAGE_PBX),
    NavItem("/system", "activity", N_("System"), Ability.SEE_SYSTEM),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Everything that a page needs besides its own template.

    ``me`` is the public view of the user, with its ``abilities``; ``snapshot`` holds the first rows by topic
    and key; ``data`` is the page's own part of the boot data; ``context`` goes to the template only. ``section``: the
    navigation's entry that the page is under, its own path by default.
    """

    title: str
    module: str
    path: str = ""
    section: str = ""
    locale: str = "fr"
    theme: str = "auto"
    wall: bool = False
    me: Mapping[str, Any] | None = None
    topics: Sequence[str] = ()
    snapshot: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))


def script_json(value: object) -> Markup:
    """JSON that is safe inside a <script> element: nothing in it can close the element or open another."""
    text = msgspec.json.encode(value).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped just above


def content_security_policy(nonce: str) -> str:
    """The policy of every page: only our own files run; inline, only what carries this response's nonce."""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )


class Renderer:
    """Renders pages. Holds no request: everything that varies is in the ``Shell``."""

    def __init__(self, assets: Assets, catalogues: Catalogues, root: Path = WEB_ROOT / "templates") -> None:
        self._assets = assets
        self._catalogues = catalogues
        self._environments = {locale: self._environment(root, locale) for locale in catalogues.locales}

    def _environment(self, root: Path, locale: str) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(root),
            autoescape=True,
            auto_reload=self._assets.watching,
            undefined=jinja2.StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        translations = self._catalogues.translations(locale)
        # The extension adds this method at run time; Jinja2's types cannot know it.
        environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]  # by an extension
        environment.globals["asset"] = self._assets.url
        # Compiled now, so that no request reads a disk, and so that a broken template is found at start.
        for name in environment.list_templates(extensions=["html"]):
            environment.get_template(name)
        return environment

    @property
    def watching(self) -> bool:
        """Whether templates and files are read again when they change."""
        return self._assets.watching

    @cached_property
    def script_sentences(self) -> tuple[str | tuple[str, str], ...]:
        """Every sentence that a script says by t() or tn(), found in the scripts themselves."""
        return tuple(find_sentences(self._assets))

    def _messages(self, locale: str) -> dict[str, str | list[str]]:
        translations = self._catalogues.translations(locale)
        messages: dict[str, str | list[str]] = {}
        for sentence in self.script_sentences:
            if isinstance(sentence, tuple):
                one, many = sentence
                messages[one] = [translations.ngettext(one, many, n) for n in (1, 2)]
            elif (said := translations.gettext(sentence)) != sentence:
                messages[sentence] = said
        return messages

    def _boot(self, shell: Shell) -> dict[str, Any]:
        return {
            "me": shell.me,
            "locale": shell.locale,
            "now": time.time(),
            "topics": shell.topics,
            "messages": self._messages(shell.locale),
            "snapshot": shell.snapshot,
            "data": shell.data,
        }

    def render(self, template: str, shell: Shell) -> str:
        """The page as text."""
        self._assets.refresh()
        say = self._catalogues.translations(shell.locale).gettext
        me = shell.me
        abilities = me["abilities"] if me else ()
        nav = [
            {"path": item.path, "icon": item.icon, "label": say(item.label)}
            for item in NAV
            if item.ability in abilities
        ]
        return (
            self._environments[shell.locale]
            .get_template(template)
            .render(
                title=say(shell.title),
                module=shell.module,
                path=shell.path,
                section=shell.section or shell.path,
                locale=shell.locale,
                theme=shell.theme if shell.theme in THEMES else "auto",
                wall=shell.wall,
                me=me,
                role_label=say(ROLE_NAMES[Role(me["role"])]) if me else "",
                nav=nav,
                csp_nonce=shell.nonce,
                import_map=script_json(self._assets.import_map()),
                preloads=self._assets.module_urls("lib"),
                boot_json=script_json(self._boot(shell)),
                **shell.context,
            )
        )


def find_sentences(assets: Assets) -> list[str | tuple[str, str]]:
    """Sentences of the scripts, in order, each once: a text, or a pair of singular and plural."""
    found: dict[str | tuple[str, str], None] = {}
    for name in assets.names("js/"):
        source = io.BytesIO(assets.text(name).encode())
        said = extract_javascript(source, {"t": None, "tn": None}, (), {"parse_template_string": True})
        for _, function, message, _ in said:
            forms = [message] if not isinstance(message, list | tuple) else list(message)
            found[(forms[0], forms[1]) if function == "tn" else forms[0]] = None
    return list(found)
