"""Outgoing routes of a tenant's sites."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from ccserver.domain.account import RouteRow
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("routes")


async def list_routes(connection: Connection) -> list[RouteRow]:
    """Every route that the connection sees, by site, prefix and priority."""
    return [RouteRow(**row) for row in await connection.fetch(_SQL["list_routes"])]


async def routes_of_site(connection: Connection, site_id: UUID) -> list[RouteRow]:
    return [RouteRow(**row) for row in await connection.fetch(_SQL["routes_of_site"], site_id)]


async def known_trunks(connection: Connection, trunk_ids: Iterable[UUID]) -> set[UUID]:
    """Those that exist; they cannot be deleted until the transaction ends."""
    return {row["id"] for row in await connection.fetch(_SQL["known_trunks"], list(set(trunk_ids)))}


async def replace_routes(
    connection: Connection,
    tenant_id: UUID,
    before: Sequence[RouteRow],
    after: Sequence[RouteRow],
    at: datetime,
) -> None:
    """Make ``after`` of ``before``: routes are the same when their ids are, and then only their priority may differ."""
    old = {route.id: route for route in before}
    kept = {route.id for route in after}
    await connection.execute(_SQL["delete_routes"], [route_id for route_id in old if route_id not in kept])
    for route in after:
        if route.id not in old:
            await connection.execute(
                _SQL["insert_route"],
                route.id,
                tenant_id,
                route.site_id,
                route.trunk_id,
                route.prefix,
                route.priority,
                at,
            )
        elif route.priority != old[route.id].priority:
            await connection.execute(_SQL["set_route_priority"], route.id, route.priority, at)
