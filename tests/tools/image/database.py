"""A database for the image, with a role that owns its tables and one that serves."""

from dataclasses import dataclass
from typing import Final

import asyncpg

from tests.support.faults.cluster import Cluster

OWNER: Final = "bulk_import_owner"
SERVER: Final = "bulk_import"


@dataclass(frozen=True)
class Roles:
    """The database's address as each of them."""

    owner: str
    server: str


async def make_roles(cluster: Cluster) -> Roles:
    """As docs/operate/postgresql.md has it, in a database ``bulk_import`` without a schema."""
    connection = await asyncpg.connect(cluster.dsn())
    try:
        for role in (OWNER, SERVER):
            await connection.execute(f"CREATE ROLE {role} LOGIN")
        await connection.execute(f"CREATE DATABASE bulk_import OWNER {OWNER}")
    finally:
        await connection.close()

    def dsn(role: str) -> str:
        return cluster.dsn("bulk_import").replace("postgres@", f"{role}@")

    return Roles(dsn(OWNER), dsn(SERVER))
