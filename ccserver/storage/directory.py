"""Reads the directory as one consistent picture, and the SIP passwords that Asterisk needs."""

from ccserver.domain.directory import Agent, Did, Directory, PhoneSecret, Site, Trunk
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries
from ccserver.storage.vault import Vault

_SQL = load_queries("directory")


async def load_directory(connection: Connection) -> Directory:
    """Everything that ``connection`` may see: one tenant, or all of them under ``Database.system()``."""
    agents = await connection.fetch(_SQL["directory_agents"])
    sites = await connection.fetch(_SQL["directory_sites"])
    trunks = await connection.fetch(_SQL["directory_trunks"])
    dids = await connection.fetch(_SQL["directory_dids"])
    return Directory(
        agents=(
            Agent(
                id=row["id"],
                tenant_id=row["tenant_id"],
                login=row["login"],
                name=f"{row['first_name']} {row['last_name']}".strip() or row["login"],
                site_id=row["site_id"],
                extension=row["extension"],
                active=row["active"],
            )
            for row in agents
        ),
        sites=(Site(**row) for row in sites),
        trunks=(Trunk(**{**row, "codecs": tuple(row["codecs"])}) for row in trunks),
        dids=(Did(**row) for row in dids),
    )


async def load_phone_secrets(connection: Connection, vault: Vault) -> tuple[PhoneSecret, ...]:
    """SIP passwords in clear of every active user's phone. Raises VaultError for a wrong key."""
    rows = await connection.fetch(_SQL["phone_secrets"])
    return tuple(
        PhoneSecret(
            user_id=row["user_id"], extension=row["extension"], secret=vault.open(row["secret_encrypted"])
        )
        for row in rows
    )
