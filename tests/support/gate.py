"""A gate in the database at which a transaction waits until the test opens it."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from service.storage import Pool
from tests.support.projects import until

GATE_KEY: Final = 4711
"""The advisory lock for which transactions wait at the gate."""
_WAITING: Final = f"""
SELECT count(*) > 0 FROM pg_locks
 WHERE locktype = 'advisory' AND NOT granted AND objid = {GATE_KEY} AND classid = 0
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Gate:
    """A closed gate; it opens at the end of the block."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def reached(self) -> None:
        """Wait until a transaction waits at the gate."""
        await until(self._pool, _WAITING)


@contextlib.asynccontextmanager
async def gate(pool: Pool, table: str = "tasks", *, at_commit: bool = False) -> AsyncIterator[Gate]:
    """Make transactions wait after they write to a table, or at their commit."""
    timing = "CONSTRAINT TRIGGER gate AFTER" if at_commit else "TRIGGER gate AFTER"
    each = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW" if at_commit else "FOR EACH STATEMENT"
    await pool.execute(
        f"""
        CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM set_config('lock_timeout', '0', true), pg_advisory_xact_lock_shared({GATE_KEY});
            RETURN NULL;
        END $$;
        CREATE {timing} INSERT OR UPDATE ON {table} {each} EXECUTE FUNCTION wait_at_gate();
        """
    )
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1::bigint)", GATE_KEY)
        yield Gate(pool)
