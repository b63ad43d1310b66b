"""Asterisk's configuration for administrators: what is pending, apply it, go back, and the history.

The telephony owner does the work; what it knows is on the stream. Sites of every organisation are in one Asterisk:
where there are several, their administrators do not see or change each other's, only a SUPER_ADMIN does.
"""

import msgspec

from ccserver.domain.access import Actor, Role
from ccserver.domain.config import (
    STATE_KEY,
    TOPIC,
    ConfigDiff,
    ConfigState,
    RevisionDetail,
    RevisionRow,
)
from ccserver.domain.config_words import worded_detail, worded_row
from ccserver.domain.errors import Forbidden, NotFound
from ccserver.live.commands import Commands
from ccserver.live.view import LiveView
from ccserver.storage import config as store
from ccserver.storage.pool import Database


class RevisionPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the history. ``next``: the ``after`` of the next page, None on the last."""

    items: list[RevisionRow]
    next: int | None


class Config:
    """Use cases of the configuration page. Each raises Forbidden pbx_shared, Unavailable."""

    def __init__(self, database: Database, commands: Commands, view: LiveView) -> None:
        self._database = database
        self._commands = commands
        self._view = view

    async def state(self, actor: Actor) -> ConfigState:
        """The picture as the owner told it last."""
        await self._allow(actor)
        row = self._view.row(TOPIC, STATE_KEY)
        if row is None:
            return ConfigState(blind=True)
        state = msgspec.json.decode(row.row, type=ConfigState)
        return msgspec.structs.replace(state, blind=state.blind or self._view.blind_since is not None)

    async def diff(self, actor: Actor) -> ConfigDiff:
        """What an apply would change. Raises Conflict pbx_not_ours, config_unplanned."""
        await self._allow(actor)
        answer = await self._ask(actor, "config.diff")
        return msgspec.json.decode(str(answer["diff"]), type=ConfigDiff)

    async def check(self, actor: Actor) -> str:
        """Begin a rehearsal; returns the run's id, the stream tells the rest. Raises Conflict config_busy."""
        await self._allow(actor)
        return str((await self._ask(actor, "config.check"))["id"])

    async def apply(self, actor: Actor, fingerprint: str) -> str:
        """Begin to apply what was seen under ``fingerprint``. Raises Conflict config_changed, config_busy."""
        await self._allow(actor)
        return str((await self._ask(actor, "config.apply", fingerprint=fingerprint))["id"])

    async def rollback(self, actor: Actor, revision: int) -> str:
        """Begin to go back to a revision. Raises NotFound revision_unknown, Conflict config_busy."""
        await self._allow(actor)
        return str((await self._ask(actor, "config.rollback", revision=revision))["id"])

    async def history(self, actor: Actor, after: int | None, limit: int) -> RevisionPage:
        """What was applied, newest first."""
        await self._allow(actor)
        async with self._database.system() as connection:
            items = [worded_row(row) for row in await store.list_revisions(connection, after, limit + 1)]
        page = items[:limit]
        return RevisionPage(items=page, next=page[-1].id if len(items) > limit else None)

    async def revision(self, actor: Actor, revision: int) -> RevisionDetail:
        """One of them, with its differences and steps. Raises NotFound."""
        await self._allow(actor)
        async with self._database.system() as connection:
            found = await store.get_revision(connection, revision)
        if found is None:
            raise NotFound("revision_unknown")
        return worded_detail(found)

    async def _ask(
        self, actor: Actor, name: str, **body: str | int
    ) -> dict[str, str | int | float | bool | None]:
        return await self._commands.ask(
            name, actor=actor.user_id, tenant_id=actor.tenant_id, who=actor.login, **body
        )

    async def _allow(self, actor: Actor) -> None:
        if actor.role is Role.SUPER_ADMIN:
            return
        async with self._database.system() as connection:
            if await store.sole_tenant(connection) != actor.tenant_id:
                raise Forbidden("pbx_shared")
