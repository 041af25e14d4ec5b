"""A column is stated once: tables, views and comments match the definition, all else follows."""

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from service.storage import Pool
from service.tables import RECORDS, Column, Table, Type
from tests.support.column_migration import DEFINITION, VIEWS, column_names, write_migration
from tests.support.paths import CHECKOUT

TYPES = {"timestamp without time zone": Type.TIMESTAMP}
"""Types that PostgreSQL prints under another name."""

NEW = Column("risk", Type.NUMERIC, "Risk of the task, from 0 to 1.")
EDITS = {
    "service/tables.py": (
        '        Column("notes", Type.TEXT, "Notes on the task."),\n',
        '        Column("risk", Type.NUMERIC, "Risk of the task, from 0 to 1."),\n',
    ),
    "service/formats/native/mapping.py": (
        '        Field("notes", "notes", values.TEXT),\n',
        '        Field("risk", "risk", values.DECIMAL),\n',
    ),
}
"""By file, the line after which a developer adds a line for the new column."""


async def test_tables_and_views_have_the_columns_of_the_definition(pool: Pool) -> None:
    async with pool.acquire() as conn:
        assert await write_migration(conn) == "", "these statements lack in the migrations"


@pytest.mark.parametrize("table", DEFINITION)
async def test_columns_have_the_type_and_nullability_of_the_definition(
    pool: Pool, table: str
) -> None:
    rows = await pool.fetch(
        "SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull FROM pg_attribute"
        " WHERE attrelid = $1::regclass AND attnum > 0",
        table,
    )
    stored = {row["attname"]: (row["type"], row["attnotnull"]) for row in rows}
    for column in DEFINITION[table]:
        kind, not_null = stored[column.name]
        assert (TYPES.get(kind, kind), not_null) == (column.type, not column.nullable), column.name


@pytest.mark.parametrize("table", DEFINITION)
async def test_the_definition_has_every_column_of_a_view(pool: Pool, table: str) -> None:
    known = {each.name for each in DEFINITION[table]} | {"client_id", "project_id", "version"}
    known |= {"external_id", "archived_at", "import_id", "created_at", "created_by"}
    async with pool.acquire() as conn:
        shown = await column_names(conn, VIEWS[table])
    assert set(shown) <= known | {"shared_objects"}


@pytest.mark.once
async def test_a_new_column_takes_a_migration_and_one_line_each(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    copy = copy_checkout(tmp_path)
    for name, (line, added) in EDITS.items():
        text = (copy / name).read_text("utf-8")
        assert text.count(line) == 1
        (copy / name).write_text(text.replace(line, line + added), "utf-8")
    columns = (*RECORDS[Table.TASKS], NEW)
    async with pool.acquire() as conn:
        migration = await write_migration(conn, {**DEFINITION, "tasks": columns})
    assert migration.startswith("ALTER TABLE tasks ADD COLUMN risk numeric;\nCREATE OR REPLACE")
    added_file = copy / "sql/migrations/20991231000000_risk.sql"
    added_file.write_text(f"-- migrate:up\n{migration}\n-- migrate:down\n")

    wrote = await run(copy, "tests.tools.reference")
    assert set(wrote.split("\n")[:-1]) == {
        "wrote service/formats/native/schema.xsd",
        "wrote docs/reference/formats/native.md",
    }
    printed = await run(copy, "tests.support.column_check", dsn)
    found = json.loads(printed.splitlines()[-1])
    assert found["json"]["risk"] == 0.75
    assert found["view"] == "0.75"
    assert "<risk>0.5</risk>" in found["xml"]
    assert found["outcome"] == "unchanged"
    assert [change["fields"] for change in found["changes"]] == [
        {"risk": {"from": 0.5, "to": 0.75}}
    ]
    assert found["schema"]["properties"]["risk"] == {
        "type": ["number", "null"],
        "description": NEW.description,
    }
    assert '<xs:element name="risk" type="decimal" minOccurs="0">' in found["xsd"]
    assert found["comments"] == [NEW.description] * 2


def copy_checkout(folder: Path) -> Path:
    """Copy what runs and what is generated, with the compiled engine."""
    for name in ("service", "sql", "tests", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "*.c", "data")
        shutil.copytree(CHECKOUT / name, folder / name, ignore=ignored)
    return folder


async def run(copy: Path, module: str, *arguments: str) -> str:
    """Run a module of the copy, and return its output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, err.decode()
    return out.decode()
