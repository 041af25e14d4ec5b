"""PostgreSQL: the pool, the embedded server, migrations, and the queries by name."""

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:  # asyncpg's classes are generic only in its stubs
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

APPLICATION_NAME: Final = "bulk-import"
"""Name of the service's sessions, by which its replicas find each other's in the database."""
