"""A reader sees the rows of the clients that were granted, and can do nothing else."""

import asyncpg
import pytest

from service.imports.client_removal import remove_client
from service.storage import Connection
from service.storage.readers import ReaderError, grant_reader, revoke_reader
from tests.support.databases import execute
from tests.support.readers import READER, Acting

pytestmark = pytest.mark.usefixtures("clients")


async def visible(connection: Connection) -> list[int]:
    rows = await connection.fetch("SELECT client_id FROM report.clients ORDER BY client_id")
    return [row["client_id"] for row in rows]


async def test_a_reader_sees_only_the_clients_that_were_granted(dsn: str, acting: Acting) -> None:
    await grant_reader(dsn, READER, [1])
    async with acting(READER) as connection:
        assert await visible(connection) == [1]


async def test_granting_again_adds_clients_and_repeats_nothing(dsn: str, acting: Acting) -> None:
    for clients in ([1], [1], [1, 3]):
        await grant_reader(dsn, READER, clients)
    async with acting(READER) as connection:
        assert await visible(connection) == [1, 3]
    assert await execute(dsn, "SELECT count(*) FROM report.readers") == 2


async def test_the_previous_version_can_grant_after_a_roll_back(dsn: str, acting: Acting) -> None:
    await grant_reader(dsn, READER, [1])
    await execute(
        dsn,
        "INSERT INTO report.readers (client_id, role) VALUES (1, 'reader'), (2, 'reader')"
        " ON CONFLICT DO NOTHING",
    )
    async with acting(READER) as connection:
        assert await visible(connection) == [1, 2]


async def test_revoking_a_client_keeps_the_others(dsn: str, acting: Acting) -> None:
    await grant_reader(dsn, READER, [1, 2])
    await revoke_reader(dsn, READER, [1])
    async with acting(READER) as connection:
        assert await visible(connection) == [2]


@pytest.mark.parametrize("revoked", [None, [1]])
async def test_revoking_the_last_client_revokes_the_schema(
    dsn: str, acting: Acting, revoked: list[int] | None
) -> None:
    await grant_reader(dsn, READER, [1])
    await revoke_reader(dsn, READER, revoked)
    await revoke_reader(dsn, READER, revoked)
    async with acting(READER) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await visible(connection)


async def test_a_member_of_a_reader_sees_what_it_inherits(dsn: str, acting: Acting) -> None:
    await grant_reader(dsn, READER, [1])
    await execute(dsn, "GRANT reader TO member")
    async with acting("member") as connection:
        assert await visible(connection) == [1]
    await grant_reader(dsn, "member", [3])
    async with acting("member") as connection:
        assert await visible(connection) == [1, 3]
        await connection.execute("SET LOCAL ROLE reader")
        assert await visible(connection) == [1]


async def test_a_member_that_does_not_inherit_must_set_the_role(dsn: str, acting: Acting) -> None:
    await grant_reader(dsn, READER, [1])
    await grant_reader(dsn, "member", [2])
    await execute(dsn, "ALTER ROLE member NOINHERIT")
    await execute(dsn, "GRANT reader TO member")
    async with acting("member") as connection:
        assert await visible(connection) == [2]
        await connection.execute("SET LOCAL ROLE reader")
        assert await visible(connection) == [1]


async def test_a_view_that_all_may_read_shows_a_stranger_nothing(dsn: str, acting: Acting) -> None:
    await grant_reader(dsn, READER, [1])
    await execute(dsn, "GRANT USAGE ON SCHEMA report TO PUBLIC")
    await execute(dsn, "GRANT SELECT ON report.clients TO PUBLIC")
    async with acting("stranger") as connection:
        assert await visible(connection) == []


async def test_the_owner_sees_all_clients(dsn: str, acting: Acting) -> None:
    async with acting("postgres") as connection:
        assert await visible(connection) == [1, 2, 3]


async def test_a_role_that_is_created_again_has_no_clients(dsn: str, acting: Acting) -> None:
    await grant_reader(dsn, READER, [1])
    await execute(dsn, "DROP OWNED BY reader")
    await execute(dsn, "DROP ROLE reader")
    await execute(dsn, "CREATE ROLE reader")
    await grant_reader(dsn, READER, [2])
    async with acting(READER) as connection:
        assert await visible(connection) == [2]


async def test_the_number_of_a_dropped_role_gives_no_other_role_its_clients(
    dsn: str, acting: Acting
) -> None:
    """pg_dump writes the number, which can be that of another role where the dump is restored."""
    await grant_reader(dsn, READER, [1])
    await grant_reader(dsn, "stranger", [2])
    await execute(dsn, "DROP OWNED BY reader")
    await execute(dsn, "DROP ROLE reader")
    await execute(dsn, "CREATE ROLE reader")
    await execute(dsn, "UPDATE report.readers SET role = 'stranger'::regrole WHERE client_id = 1")
    async with acting("stranger") as connection:
        assert await visible(connection) == [2]


async def test_a_role_that_is_renamed_needs_its_grants_again(dsn: str, acting: Acting) -> None:
    await grant_reader(dsn, READER, [1, 2])
    await execute(dsn, "ALTER ROLE reader RENAME TO renamed")
    try:
        async with acting("renamed") as connection:
            assert await visible(connection) == []
        await grant_reader(dsn, "renamed", [1])
        async with acting("renamed") as connection:
            assert await visible(connection) == [1]
    finally:
        await execute(dsn, "ALTER ROLE renamed RENAME TO reader")


async def test_a_client_that_is_added_again_has_no_readers(dsn: str, acting: Acting) -> None:
    await grant_reader(dsn, READER, [1, 2])
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    await remove_client(connection, 1, expiry=15)
    await connection.close()
    await execute(dsn, "INSERT INTO clients (client_id, name) VALUES (1, 'Another')")
    async with acting(READER) as reader:
        assert await visible(reader) == [2]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM report.readers",
        "INSERT INTO report.readers (client_id, role) VALUES (2, 'reader')",
        "UPDATE report.clients SET name = 'Mine'",
        "CREATE TABLE report.more (id bigint)",
        "CREATE VIEW public.more AS SELECT 1",
        "SELECT * FROM projects",
        "SELECT * FROM clients",
        "SELECT * FROM current_tasks",
        "SELECT * FROM imports",
        "SELECT * FROM schema_migrations",
    ],
)
async def test_a_reader_can_do_nothing_else(dsn: str, acting: Acting, statement: str) -> None:
    await grant_reader(dsn, READER, [1])
    async with acting(READER) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


async def test_unknown_roles_and_clients_are_refused(dsn: str, acting: Acting) -> None:
    with pytest.raises(ReaderError, match='there is no role "nobody"'):
        await grant_reader(dsn, "nobody", [1])
    with pytest.raises(ReaderError, match='there is no role "nobody"'):
        await revoke_reader(dsn, "nobody", None)
    with pytest.raises(ReaderError, match="there is no client 4"):
        await grant_reader(dsn, READER, [1, 4])
    assert await execute(dsn, "SELECT count(*) FROM report.readers") == 0


async def test_the_owner_of_the_tables_keeps_its_rights_to_the_views(
    dsn: str, acting: Acting
) -> None:
    await grant_reader(dsn, READER, [1])
    await execute(dsn, "ALTER TABLE report.readers OWNER TO member")
    for change in (grant_reader(dsn, "member", [1]), revoke_reader(dsn, "member", None)):
        with pytest.raises(ReaderError, match='"member" owns the tables'):
            await change
    await execute(dsn, "ALTER TABLE report.readers OWNER TO postgres")
