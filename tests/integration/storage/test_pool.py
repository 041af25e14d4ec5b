"""The pool, and the database of a test."""

from service.storage import Pool
from service.storage.migrate import pending_migrations


async def test_jsonb_is_converted_from_and_to_python_values(pool: Pool) -> None:
    value = {"name": "Ä", "deep": [{"n": 1}], "none": None}
    assert await pool.fetchval("SELECT $1::jsonb", value) == value


async def test_a_test_gets_an_empty_database_with_the_current_schema(pool: Pool, dsn: str) -> None:
    assert await pending_migrations(dsn) == []
    assert await pool.fetchval("SELECT count(*) FROM clients") == 0
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (1, 'one')")


async def test_a_test_does_not_see_rows_of_the_previous_test(pool: Pool) -> None:
    assert await pool.fetchval("SELECT count(*) FROM clients") == 0
