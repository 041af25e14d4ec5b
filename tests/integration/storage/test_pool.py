"""The pool, and the database that a test gets."""

from service.storage import Pool
from service.storage.migrate import pending_migrations


async def test_jsonb_crosses_as_python_values(pool: Pool) -> None:
    value = {"name": "Ä", "deep": [{"n": 1}], "none": None}
    assert await pool.fetchval("SELECT $1::jsonb", value) == value


async def test_a_test_starts_with_an_empty_and_current_schema(pool: Pool, dsn: str) -> None:
    assert await pending_migrations(dsn) == []
    assert await pool.fetchval("SELECT count(*) FROM clients") == 0
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (1, 'one')")


async def test_a_test_sees_nothing_of_the_test_before(pool: Pool) -> None:
    assert await pool.fetchval("SELECT count(*) FROM clients") == 0
