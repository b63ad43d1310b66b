"""Reads the directory as one consistent picture, and the SIP passwords that Asterisk needs."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from ccserver.domain.directory import (
    Agent,
    Destination,
    Did,
    Directory,
    Phone,
    PhoneSecret,
    Route,
    Site,
    Trunk,
    TrunkSecret,
)
from ccserver.domain.schedule import Opening, Schedule, SpecialDay, prepare
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries
from ccserver.storage.vault import Vault

_SQL = load_queries("directory")


async def load_directory(connection: Connection) -> Directory:
    """Everything that ``connection`` may see: one tenant, or all of them under ``Database.system()``."""

    async def rows(query: str) -> list[dict[str, Any]]:
        return [dict(row) for row in await connection.fetch(query)]

    schedules = [schedule_of(row) for row in await rows(_SQL["directory_schedules"])]
    if schedules:
        # Whether one is open is asked in the loop, at the instant of a call.
        await asyncio.to_thread(prepare, schedules, time.time())
    return Directory(
        agents=[_agent(row) for row in await rows(_SQL["directory_agents"])],
        sites=[Site(**_tuples(row)) for row in await rows(_SQL["directory_sites"])],
        trunks=[Trunk(**_tuples(row)) for row in await rows(_SQL["directory_trunks"])],
        dids=[_did(row) for row in await rows(_SQL["directory_dids"])],
        phones=[Phone(**row) for row in await rows(_SQL["directory_phones"])],
        routes=[Route(**row) for row in await rows(_SQL["directory_routes"])],
        schedules=schedules,
    )


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def _agent(row: dict[str, Any]) -> Agent:
    first, last = row.pop("first_name"), row.pop("last_name")
    return Agent(name=f"{first} {last}".strip() or row["login"], **row)


def _did(row: dict[str, Any]) -> Did:
    return Did(
        **{
            key: row[key]
            for key in (
                "id",
                "tenant_id",
                "number",
                "site_id",
                "user_id",
                "label",
                "schedule_id",
                "ring_seconds",
            )
        },
        opened=destination_of(row),
        closed=destination_of(row, "closed_"),
        unanswered=destination_of(row, "unanswered_"),
    )


def destination_of(row: Mapping[str, Any], side: str = "") -> Destination:
    """A destination of a number's row, from the columns whose names begin with ``side``."""
    return Destination(
        target=row[f"{side}target"],
        user_id=row[f"{side}user_id"],
        phone_id=row[f"{side}phone_id"],
        forward_to=row[f"{side}forward_to"],
    )


def schedule_of(row: dict[str, Any]) -> Schedule:
    """A row whose ``hours`` and ``exceptions`` are JSON text."""
    return Schedule(
        **{
            **row,
            "hours": msgspec.json.decode(row["hours"], type=tuple[Opening, ...]),
            "exceptions": msgspec.json.decode(row["exceptions"], type=tuple[SpecialDay, ...]),
        }
    )


async def load_trunk_secrets(connection: Connection, vault: Vault) -> tuple[TrunkSecret, ...]:
    """Passwords in clear of the trunks that register. Raises VaultError for a wrong key."""
    rows = await connection.fetch(_SQL["trunk_secrets"])
    return tuple(TrunkSecret(trunk_id=row["id"], secret=vault.open(row["secret_encrypted"])) for row in rows)


async def load_phone_secrets(connection: Connection, vault: Vault) -> tuple[PhoneSecret, ...]:
    """SIP passwords in clear of active users' phones and of the physical ones. Raises VaultError for a wrong key."""
    rows = await connection.fetch(_SQL["phone_secrets"])
    return tuple(
        PhoneSecret(
            user_id=row["user_id"], extension=row["extension"], secret=vault.open(row["secret_encrypted"])
        )
        for row in rows
    )
