"""What the database wants Asterisk to be, against what it is: the files, and the differences in words."""

import asyncio
import hashlib
import hmac
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from jinja2 import TemplateError, TemplateSyntaxError

from ccserver.domain.config import ConfigDiff, FileDiff, ObjectChange
from ccserver.domain.config_words import say
from ccserver.domain.errors import DomainError
from ccserver.domain.pbx import PbxModel, PbxModelError, PbxUser
from ccserver.domain.pbx_change import compare, describe, file_diff, fingerprint, secrets_of
from ccserver.domain.pbx_directory import plan
from ccserver.settings import Settings
from ccserver.storage.directory import load_directory, load_phone_secrets, load_trunk_secrets
from ccserver.storage.pool import Database
from ccserver.storage.vault import Vault, VaultError
from ccserver.telephony.pbx_install import Difference, difference
from ccserver.telephony.pbx_layout import PbxLayout
from ccserver.telephony.pbx_store import Applied, PbxStore
from ccserver.telephony.render import UnsafeValueError, render

Objects = dict[str, dict[str, dict[str, str]]]


class PlanFailed(Exception):
    """No configuration can be made from what the database holds; the message is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A configuration that could be applied."""

    model: PbxModel
    files: dict[str, str]
    fingerprint: str
    machine: str
    objects: Objects
    left_out: tuple[str, ...]
    difference: Difference
    changes: tuple[ObjectChange, ...]

    @property
    def nothing_to_do(self) -> bool:
        return not self.difference.to_read


class PbxPlanner:
    """Makes plans for the Asterisk of one layout."""

    def __init__(
        self, settings: Settings, database: Database, layout: PbxLayout, clock: Callable[[], float]
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._database = database
        self._layout = layout
        self._key = settings.secrets_key.encode()
        self.etc = Path(layout.directories.etc)
        self.store = PbxStore(self.etc)
        self._last: tuple[PbxModel, Seen, Planned] | None = None

    @property
    def machine(self) -> str:
        """Changes with the ports, folders and accounts: a tree fits one machine only."""
        settings = self._settings
        accounts = (
            settings.ami_user,
            settings.ami_secret,
            settings.ari_user,
            settings.ari_secret,
            settings.ari_app,
        )
        text = msgspec.json.encode((self._layout, accounts))
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()[:16]

    async def plan(self, revision: int = 0) -> Planned:
        """From the database. Raises Unavailable (database away), PlanFailed, OSError."""
        model, left_out = await self._model(revision)
        return await asyncio.to_thread(self._compare, model, left_out)

    async def files(self, planned: Planned, revision: int) -> dict[str, str]:
        """The files of a plan once its revision has a number; what does not change keeps its header."""
        text = await asyncio.to_thread(lambda: dict(render(replace(planned.model, revision=revision))))
        now, changed = planned.difference.now, set(planned.difference.changed)
        return {name: text[name] if name in changed else now[name] for name in text}

    async def _model(self, revision: int) -> tuple[PbxModel, tuple[str, ...]]:
        try:
            base = self._base()
        except PbxModelError as error:
            raise PlanFailed(say("machine_unfit", why=error)) from error
        try:
            vault = Vault(self._settings.secrets_key)
            async with self._database.system() as connection:
                directory = await load_directory(connection)
                secrets = await load_phone_secrets(connection, vault)
                trunk_secrets = await load_trunk_secrets(connection, vault)
            # Thousands of phones are checked one by one: not in the loop.
            planned = await asyncio.to_thread(
                plan,
                base,
                directory,
                secrets,
                revision,
                trunk_secrets=trunk_secrets,
                today=datetime.fromtimestamp(self._clock(), tz=UTC).date(),
            )
        except VaultError as error:
            raise PlanFailed(str(error)) from error
        except PbxModelError as error:
            raise PlanFailed(say("value_unfit", why=error)) from error
        return planned.model, planned.left_out

    def _compare(self, model: PbxModel, left_out: tuple[str, ...]) -> Planned:
        seen = _seen(self.etc, self.store)
        if self._last and self._last[0] == model and self._last[1] == seen:
            # Nothing has changed, here or there: rendering thousands of phones again would tell the same.
            return replace(self._last[2], left_out=left_out)
        files = rendered(model)
        applied = self.store.applied()
        differing = difference(self.etc, applied, files)
        objects = describe(model, self._key)
        planned = Planned(
            model=model,
            files=files,
            fingerprint=fingerprint(files),
            machine=self.machine,
            objects=objects,
            left_out=left_out,
            difference=differing,
            changes=changes_of(applied, objects, differing),
        )
        self._last = (model, seen, planned)
        return planned

    def _base(self) -> PbxModel:
        settings, layout = self._settings, self._layout
        return PbxModel(
            revision=0,
            tenant="main",
            ports=layout.ports,
            directories=layout.directories,
            ami=PbxUser(name=settings.ami_user, secret=settings.ami_secret),
            ari=PbxUser(name=settings.ari_user, secret=settings.ari_secret),
            application=settings.ari_app,
            tls=layout.tls,
            nat=layout.nat,
        )


def rendered(model: PbxModel) -> dict[str, str]:
    """The files of a model. Raises PlanFailed with the template's own complaint. Blocks."""
    try:
        return dict(render(model))
    except TemplateError as error:
        raise PlanFailed(say("template_broken", said=f"{error.message}{_place(error)}")) from error
    except (UnsafeValueError, DomainError) as error:
        raise PlanFailed(say("value_unfit", why=error)) from error


def _place(error: TemplateError) -> str:
    """Which template and line: Jinja2 puts them into the traceback."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(".j2")]
    if isinstance(error, TemplateSyntaxError):
        return f" ({Path(error.filename or '').name}:{error.lineno})"
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""


def changes_of(applied: Applied | None, objects: Objects, differing: Difference) -> tuple[ObjectChange, ...]:
    """What is not applied: objects, files that somebody edited, and files that differ for no reason named before."""
    extras = tuple(ObjectChange(kind="file", name=name, action="changed") for name in differing.extras)
    if not differing.names:
        return extras
    changes = compare(applied.objects if applied else {}, objects)
    edited = (*extras, *(ObjectChange(kind="file", name=n, action="edited") for n in differing.edited))
    if not changes and not edited:
        # The templates themselves are others than last time.
        return tuple(ObjectChange(kind="file", name=name, action="changed") for name in differing.names)
    return (*changes, *edited)


def diff_of(planned: Planned) -> ConfigDiff:
    """The whole difference, secrets masked. Blocks."""
    secrets = secrets_of(planned.model)
    now, then, edited = planned.difference.now, planned.files, set(planned.difference.edited)
    files = tuple(
        FileDiff(
            name=name,
            diff=file_diff(name, now.get(name, ""), then.get(name, ""), secrets),
            edited=name in edited,
        )
        for name in planned.difference.names
    )
    return ConfigDiff(fingerprint=planned.fingerprint, changes=planned.changes, files=files)


def diff_text(differing: Difference) -> str:
    """The difference between two trees, masked by what a line looks like. Blocks."""
    now, then = differing.now, differing.then
    return "\n".join(file_diff(name, now.get(name, ""), then.get(name, "")) for name in differing.names)


Seen = tuple[tuple[tuple[str, int, int], ...], tuple[int, ...]]


def _seen(etc: Path, store: PbxStore) -> Seen:
    """Changes whenever a file of the folder does."""
    files = (*etc.glob("*.conf"), *etc.glob("*.d/*.conf")) if etc.is_dir() else ()
    seen = [(str(path), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in files if path.is_file()]
    return tuple(sorted(seen)), store.signature()[1:2]
