"""Asterisk's configuration over HTTP: what is pending, check, apply, roll back, history."""

from typing import Annotated

import msgspec
from aiohttp import web

from ccserver.domain.access import Ability, Actor
from ccserver.domain.config import ConfigDiff, ConfigState, RevisionDetail
from ccserver.domain.errors import NotFound
from ccserver.services.config import RevisionPage
from ccserver.web import keys
from ccserver.web.route import Route

_LARGEST_ID = 2**63 - 1


class ApplyWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``fingerprint``: of the differences that were seen; what has changed since is not applied unseen."""

    fingerprint: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class RollbackWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The revision to go back to."""

    revision: Annotated[int, msgspec.Meta(ge=1, le=_LARGEST_ID)]


class RunBegun(msgspec.Struct, frozen=True, kw_only=True):
    """It is on its way; the stream's topic ``config`` tells the rest under this id."""

    id: str


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``after``: the ``next`` of the page before."""

    after: Annotated[int, msgspec.Meta(ge=1, le=_LARGEST_ID)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


async def state(request: web.Request, actor: Actor) -> ConfigState:
    return await request.app[keys.CONFIG].state(actor)


async def diff(request: web.Request, actor: Actor) -> ConfigDiff:
    return await request.app[keys.CONFIG].diff(actor)


async def check(request: web.Request, actor: Actor) -> RunBegun:
    return RunBegun(id=await request.app[keys.CONFIG].check(actor))


async def apply(request: web.Request, actor: Actor, body: ApplyWanted) -> RunBegun:
    return RunBegun(id=await request.app[keys.CONFIG].apply(actor, body.fingerprint))


async def rollback(request: web.Request, actor: Actor, body: RollbackWanted) -> RunBegun:
    return RunBegun(id=await request.app[keys.CONFIG].rollback(actor, body.revision))


async def history(request: web.Request, actor: Actor, query: HistoryQuery) -> RevisionPage:
    return await request.app[keys.CONFIG].history(actor, query.after, query.limit)


async def revision(request: web.Request, actor: Actor) -> RevisionDetail:
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:20]) <= _LARGEST_ID:
        raise NotFound("revision_unknown")
    return await request.app[keys.CONFIG].revision(actor, int(text))


ROUTES = [
    Route(
        "GET",
        "/api/config",
        state,
        ability=Ability.MANAGE_PBX,
        returns=ConfigState,
        summary="Asterisk's configuration: what is applied, pending and under way",
    ),
    Route(
        "GET",
        "/api/config/diff",
        diff,
        ability=Ability.MANAGE_PBX,
        returns=ConfigDiff,
        summary="What an apply would change, by object and by file; secrets are masked",
    ),
    Route(
        "POST",
        "/api/config/check",
        check,
        ability=Ability.MANAGE_PBX,
        returns=RunBegun,
        status=202,
        summary="Rehearse what is pending with a throw-away Asterisk",
    ),
    Route(
        "POST",
        "/api/config/apply",
        apply,
        ability=Ability.MANAGE_PBX,
        body=ApplyWanted,
        returns=RunBegun,
        status=202,
        summary="Apply what is pending, as it was seen",
    ),
    Route(
        "POST",
        "/api/config/rollback",
        rollback,
        ability=Ability.MANAGE_PBX,
        body=RollbackWanted,
        returns=RunBegun,
        status=202,
        summary="Go back to an older revision",
    ),
    Route(
        "GET",
        "/api/config/history",
        history,
        ability=Ability.MANAGE_PBX,
        query=HistoryQuery,
        returns=RevisionPage,
        summary="Applies and rollbacks, newest first",
    ),
    Route(
        "GET",
        "/api/config/history/{id}",
        revision,
        ability=Ability.MANAGE_PBX,
        returns=RevisionDetail,
        summary="One apply or rollback with its differences and steps",
    ),
]
