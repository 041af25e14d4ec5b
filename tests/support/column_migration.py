"""The SQL that brings tables, views and comments of a database to the definition of its columns."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from service.storage import Connection
from service.tables import PROJECT, RECORDS, Column

DEFINITION: Final[Mapping[str, Sequence[Column]]] = {
    "project_versions": PROJECT,
    **{table.value: columns for table, columns in RECORDS.items()},
}
VIEWS: Final = {
    table: "current_projects" if table == "project_versions" else f"current_{table}"
    for table in DEFINITION
}
_LAST_TABLE: Final = re.compile(r"JOIN (\w+) (\w+) USING")


async def write_migration(
    conn: Connection, definition: Mapping[str, Sequence[Column]] = DEFINITION
) -> str:
    """Return the statements of the missing migration; none are missing if it is empty."""
    statements = []
    for table, columns in definition.items():
        stored = await column_names(conn, table)
        shown = await column_names(conn, VIEWS[table])
        statements += [_add(table, each) for each in columns if each.name not in stored]
        if missing := [each.name for each in columns if each.name not in shown]:
            view = await conn.fetchval("SELECT pg_get_viewdef($1::regclass)", VIEWS[table])
            statements.append(_replace_view(VIEWS[table], view, missing))
        statements += [
            _comment(relation, each)
            for relation in (table, VIEWS[table])
            for each in columns
            if await _read_comment(conn, relation, each.name) != each.comment
        ]
    return "\n".join(statements)


async def column_names(conn: Connection, relation: str) -> list[str]:
    """Return the columns of a table or view, in order."""
    rows = await conn.fetch(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        relation,
    )
    return [row["attname"] for row in rows]


def _add(table: str, column: Column) -> str:
    default = "" if column.default is None else f" NOT NULL DEFAULT '{column.default}'"
    return f"ALTER TABLE {table} ADD COLUMN {column.name} {column.type}{default};"


async def _read_comment(conn: Connection, relation: str, column: str) -> str | None:
    comment: str | None = await conn.fetchval(
        "SELECT col_description(attrelid, attnum) FROM pg_attribute"
        " WHERE attrelid = $1::regclass AND attname = $2",
        relation,
        column,
    )
    return comment


def _comment(relation: str, column: Column) -> str:
    text = column.comment.replace("'", "''")
    return f"COMMENT ON COLUMN {relation}.{column.name} IS '{text}';"


def _replace_view(name: str, definition: str, missing: Sequence[str]) -> str:
    """Append columns to a view: PostgreSQL replaces a view only if its first columns stay."""
    alias = _LAST_TABLE.findall(definition)[-1][1]
    added = "".join(f",\n    {alias}.{column}" for column in missing)
    select, _, rest = definition.partition("\n   FROM ")
    return f"CREATE OR REPLACE VIEW {name} AS\n{select}{added}\n   FROM {rest}"
