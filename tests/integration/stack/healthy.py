"""Settings, folders and questions for the doctor: an installation in which every look finds what is good."""

from collections.abc import AsyncIterable
from dataclasses import replace
from pathlib import Path

import asyncpg
from ccserver.settings import Settings
from ccserver.stack.doctor.finding import Finding
from ccserver.telephony.pbx_layout import PbxLayout

from tests.rig.asterisk import Central

KEY = "Qz6WnEb1KxVy8RmCj3TsGh5LdPf7AuNo"
GOOD = Settings(
    jwt_secret="vM3kq8ZtRw2nXc7LpYs5HdJf9BgTa4Ue",
    secrets_key=KEY,
    ami_secret="f3a91c07be5d42886a17",
    ari_secret="0c5e83b9d7214fa6c1e2",
)


async def collected(findings: AsyncIterable[Finding]) -> dict[str, Finding]:
    """What was found, by name."""
    return {finding.name: finding async for finding in findings}


async def run(dsn: str, statement: str, *values: object) -> None:
    """One statement on a connection of its own."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


def settings_for(central: Central) -> Settings:
    """Settings by which this Asterisk is reached."""
    ports = central.model.ports
    return replace(
        GOOD,
        ami_port=ports.ami,
        ami_secret=central.model.ami.secret,
        ari_url=central.ari_url,
        ari_secret=central.model.ari.secret,
        asterisk_cel_file=central.process.cel_file,
    )


def replace_etc(layout: PbxLayout, etc: Path) -> PbxLayout:
    """The same installation with its configuration in another folder."""
    directories = replace(layout.directories, etc=str(etc))
    return PbxLayout(ports=layout.ports, directories=directories)
