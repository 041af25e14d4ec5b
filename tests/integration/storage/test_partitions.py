"""Partitioned tables equal the plain ones except in storage, also after migrations."""

import asyncio
import shutil
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from service.storage import migrate
from service.storage.embedded import program_files
from service.storage.partitions import PartitionError, partition_tables

PARTITIONABLE_FROM = 2
"""Migrations that need plain tables: storage parameters can be set on partitions only."""

SEEN = {
    "columns": """
        SELECT table_name, column_name, data_type, is_nullable, column_default, identity_generation
          FROM information_schema.columns WHERE table_name = ANY ($1::text[])""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
          FROM pg_constraint WHERE conrelid::regclass::text = ANY ($1::text[])""",
    "indexes": """
        SELECT tablename, indexname, replace(indexdef, ' ON ONLY ', ' ON ')
          FROM pg_indexes WHERE tablename = ANY ($1::text[])""",
    "triggers": """
        SELECT tgrelid::regclass::text, tgname FROM pg_trigger
         WHERE tgrelid::regclass::text = ANY ($1::text[])""",
    "sequences": """
        SELECT name, pg_get_serial_sequence(name, attname)
          FROM unnest($1::text[]) AS name
          JOIN pg_attribute ON attrelid = name::regclass AND attidentity <> ''""",
    "grants": """
        SELECT relname::text, privilege_type, grantee::regrole::text
          FROM pg_class, aclexplode(relacl)
         WHERE relnamespace::regnamespace::text IN ('public', 'report') AND NOT relispartition
           AND grantee <> relowner""",
    "comments": """
        SELECT relname::text, attname::text, description
          FROM pg_class c
          JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = objsubid
         WHERE relnamespace::regnamespace::text IN ('public', 'report') AND NOT relispartition""",
    "views": """
        SELECT schemaname, viewname, definition, reloptions::text
          FROM pg_views v JOIN pg_class c ON c.relname = viewname
           AND c.relnamespace::regnamespace::text = schemaname
         WHERE schemaname IN ('public', 'report')""",
}
TABLES = """
SELECT array_agg(relname::text ORDER BY relname) FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""
STORAGE = """
SELECT c.relname::text, c.reloptions::text FROM pg_class c
 WHERE c.relname::text = ANY ($1::text[]) AND c.relkind = 'r'
UNION
SELECT p.relname::text, c.reloptions::text
  FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid JOIN pg_class p ON p.oid = inhparent
 WHERE p.relkind = 'p'
"""

DEPENDENT = """
CREATE VIEW report.a_first WITH (security_barrier) AS
SELECT t.name, p.name AS project FROM public.current_tasks t JOIN public.tasks p USING (client_id);
CREATE VIEW report.a_second AS
SELECT * FROM report.a_first JOIN public.current_projects USING (name);
GRANT SELECT ON report.a_second TO serving;
COMMENT ON VIEW report.a_second IS 'It is over a view';
COMMENT ON COLUMN report.a_second.name IS 'It is a column''s';
COMMENT ON TABLE public.tasks IS 'It is a table';
COMMENT ON COLUMN public.tasks.name IS 'It is another''s';
"""
"""Views over views, with what partitioning has to keep of them."""


async def shape(dsn: str, *, storage: bool = True) -> dict[str, Any]:
    """Read everything that PostgreSQL knows about the tables of a database."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetchval(TABLES)
        seen: dict[str, Any] = {"tables": tables}
        for name, query in SEEN.items():
            rows = await connection.fetch(query, *([tables] if "$1" in query else []))
            seen[name] = sorted(map(repr, map(tuple, rows)))
        if storage:
            seen["storage"] = sorted(map(repr, map(tuple, await connection.fetch(STORAGE, tables))))
        return seen
    finally:
        await connection.close()


async def value(dsn: str, query: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def execute(dsn: str, statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


def move(programs: Path, old: str, new: str) -> None:
    """Move the rows with the commands of docs/operate/postgresql.md."""
    dump: list[str | Path] = [
        programs / "pg_dump",
        "--data-only",
        "--exclude-table=schema_migrations",
        old,
    ]
    load: list[str | Path] = [
        programs / "psql",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        new,
    ]
    rows = subprocess.run(dump, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(load, input=rows, stdout=subprocess.DEVNULL, check=True)


async def test_partitioning_keeps_the_position_of_sequences(plain: str) -> None:
    begun = (
        "INSERT INTO imports (client_id, subject, options, request_id) VALUES (1, 's', '{}', 'r')"
        " RETURNING import_id"
    )
    before = await value(plain, begun)
    await execute(plain, "DELETE FROM imports")
    await partition_tables(plain, 4)
    assert await value(plain, begun) == before + 1


async def test_partitioning_changes_nothing_but_the_storage(plain: str) -> None:
    await execute(plain, "CREATE ROLE serving")
    try:
        await migrate.grant_privileges(plain, "serving")
        await execute(plain, DEPENDENT)
        before = await shape(plain)
        done = await partition_tables(plain, 3)
        plain_ones = {"check_thresholds", "clients", "prune_state", "schema_migrations"}
        assert {*before["tables"]} - {*done} == plain_ones
        assert await shape(plain) == before
        assert await value(
            plain,
            "SELECT count(*) FROM pg_inherits i JOIN pg_class c"
            " ON c.oid = i.inhrelid AND c.relkind = 'r'",
        ) == 3 * len(done)
        assert await partition_tables(plain, 3) == []
    finally:
        await execute(plain, "DROP OWNED BY serving; DROP ROLE serving")


async def test_the_migration_of_the_collation_keeps_privileges_and_rows(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sorted(migrate.MIGRATIONS.glob("*.sql"))
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path)
    for file in files:
        if file.name < "20261128000005":
            shutil.copy(file, tmp_path)
    migrate.migrate(empty)
    await execute(empty, "CREATE ROLE reading; GRANT SELECT ON current_projects TO reading")
    try:
        await execute(
            empty,
            "INSERT INTO projects (client_id, external_id, version, content_hash)"
            " VALUES (1, 'b', 1, ''), (1, 'A', 1, ''), (1, 'a', 1, '')",
        )
        before = await shape(empty)
        [collation] = [file for file in files if file.name.startswith("20261128000005")]
        shutil.copy(collation, tmp_path)
        migrate.migrate(empty)
        assert await shape(empty) == before
        ids = "SELECT string_agg(external_id, ' ' ORDER BY external_id) FROM projects"
        assert await value(empty, ids) == "A a b"
    finally:
        await execute(empty, "DROP OWNED BY reading; DROP ROLE reading")


async def test_migrations_apply_to_partitioned_tables(
    empty: str, plain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apply each migration to tables that are partitioned, including those of the one before."""
    files = sorted(migrate.MIGRATIONS.glob("*.sql"))
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path)
    for number, file in enumerate(files, 1):
        shutil.copy(file, tmp_path)
        assert migrate.migrate(empty) == [file.name]
        if number >= PARTITIONABLE_FROM:
            await partition_tables(empty, 3)
    assert await migrate.pending_migrations(empty) == []
    assert await shape(empty) == await shape(plain)


async def test_partitioning_tables_with_rows_is_refused_and_changes_nothing(plain: str) -> None:
    await execute(plain, "INSERT INTO project_locks VALUES (1, 1, 'bob', now(), now())")
    before = await shape(plain)
    with pytest.raises(PartitionError, match="project_locks has rows"):
        await partition_tables(plain, 3)
    assert await shape(plain) == before
    assert await value(plain, "SELECT count(*) FROM pg_inherits") == 0


async def test_changing_the_number_of_partitions_is_refused(partitioned: str) -> None:
    with pytest.raises(PartitionError, match="assignments has 4 partitions"):
        await partition_tables(partitioned, 3)


async def test_partitioning_concurrently_partitions_once(plain: str) -> None:
    done = await asyncio.gather(*(partition_tables(plain, 3) for _ in range(3)))
    assert sorted(map(bool, done)) == [False, False, True]


async def test_a_dump_moves_the_rows_to_partitioned_tables(
    plain: str, partitioned: str, postgres: str, tmp_path: Path
) -> None:
    await execute(
        plain,
        "INSERT INTO clients (client_id, name) VALUES (1, 'One'), (2, 'Two');"
        "INSERT INTO projects (client_id, external_id, version, content_hash)"
        r" SELECT c, 'P' || n, 1, '\x00' FROM generate_series(1, 2) c, generate_series(1, 50) n;",
    )
    await asyncio.to_thread(
        move, program_files.find_programs(postgres, tmp_path).folder, plain, partitioned
    )
    digest = (
        "SELECT md5(string_agg(p::text, '' ORDER BY p.client_id, p.project_id)) FROM projects p"
    )
    assert await value(partitioned, digest) == await value(plain, digest)
    following = await value(
        partitioned,
        "INSERT INTO projects (client_id, external_id, version, content_hash)"
        r" VALUES (1, 'next', 1, '\x00') RETURNING project_id",
    )
    assert following == 101
