"""What every page's handler returns: a shell with the user's own view and the first rows of its topics."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from ccserver.domain.access import Ability, Actor, sees
from ccserver.web import keys
from ccserver.web.api.auth import me_view
from ccserver.web.rendering import THEMES, Shell

THEME_COOKIE = "ccs_theme"


def theme_of(request: web.Request) -> str:
    """The appearance that the reader chose; anything unknown is the system's own."""
    theme = request.cookies.get(THEME_COOKIE, "")
    return theme if theme in THEMES else "auto"


def rows_of(request: web.Request, actor: Actor, topic: str) -> dict[str, msgspec.Raw]:
    """The rows of a live topic that the actor may see, by key, as they are now."""
    view = request.app[keys.LIVE]
    rows = ((change, scope) for change, scope in view.rows(topic) if sees(actor, topic, scope))
    return {change.key: change.row for change, _ in rows if change.row is not None}


async def live_shell(
    request: web.Request,
    actor: Actor,
    *,
    title: str,
    module: str,
    topics: Sequence[str],
    data: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    wall: bool = False,
    section: str = "",
) -> Shell:
    """The shell of a page with a frame."""
    if actor.may(Ability.MANAGE_PBX):
        topics = (*topics, "config")  # Whoever may apply it is told on every page that something waits.
    row = await request.app[keys.ACCOUNTS].me(actor)
    return Shell(
        title=title,
        module=module,
        path=request.path,
        section=section,
        locale=keys.locale_of(request),
        theme=theme_of(request),
        wall=wall,
        me=msgspec.to_builtins(me_view(actor, row)),
        topics=topics,
        snapshot={topic: rows_of(request, actor, topic) for topic in topics},
        data=data or {},
        context=context or {},
        nonce=keys.nonce_of(request),
    )
