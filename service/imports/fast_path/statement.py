"""The statement that writes one small import, and its rows as parameters.

COPY would take two round trips for each table. So the rows are parameters, one text for each table,
and the statement splits them into lines and fields. It has the columns of ``service.tables``.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from service.imports import outcomes
from service.imports.pipeline.copy import KEY_COLUMNS
from service.storage.queries import Queries
from service.tables import PROJECT, RECORDS, Column, Table, Type

_SQL = Queries("fast_path")

_FIELD: Final = b"\1"
_ROW: Final = b"\2"
_NULL: Final = b"\3"
_BACKSLASH: Final = b"\4"
"""In a parameter, the first two separate fields and rows, and the third is a null. The last one
stands for a backslash while escapes are replaced. XML cannot contain these characters."""

_PROGRESS: Final = Queries("writer").progress
_OF_PROGRESS: Final = "project_id, kind, summary, duration, percent_complete"
"""The columns of tasks from which the progress of a project is computed."""

_VERSIONS: Final = 22
"""Number of the first parameter with rows; the tables and the outcomes follow."""

_RESULT_TYPES: Final[Mapping[str, str]] = {
    "index": "bigint",
    "line": "bigint",
    "version": "integer",
    "tasks": "bigint",
    "extra": "jsonb",
    "warnings": "jsonb",
}
"""Types of outcome columns that are not text; ``project_id`` is apart."""


def as_parameter(rows: Iterable[bytes]) -> str:
    """Return rows of COPY text, each with its newline, as a parameter of the statement.

    Raises:
        ValueError: a row has one of the characters that separate.
    """
    text = b"".join(rows)
    if any(mark in text for mark in (_FIELD, _ROW, _NULL, _BACKSLASH)):
        raise ValueError("a control character in a row")
    text = text[:-1].replace(b"\t", _FIELD).replace(b"\n", _ROW)
    if b"\\" in text:
        text = text.replace(b"\\\\", _BACKSLASH).replace(b"\\N", _NULL)
        text = text.replace(b"\\t", b"\t").replace(b"\\n", b"\n").replace(b"\\r", b"\r")
        text = text.replace(_BACKSLASH, b"\\")
    return text.decode()


def write_statement() -> str:
    """Return the statement, which ``write`` in ``sql/queries/fast_path.sql`` describes."""
    return _SQL.write.format(inserts=list_inserts())


def list_inserts() -> str:
    """Return the parts of the statement that insert into the tables with rows."""
    return ", ".join([*map(_insert_records, Table), _insert_versions(), _insert_results()])


def _insert_versions() -> str:
    columns = ", ".join(column.name for column in PROJECT)
    fields = ", ".join(_field(at, column.type) for at, column in enumerate(PROJECT, 5))
    return f"""versions AS (
    INSERT INTO project_versions ({", ".join(KEY_COLUMNS)}, import_id, created_by, content_hash,
                                  shared_objects, task_count, warning_count, progress, {columns})
    SELECT $1, w.project_id, w.version, w.import_id, $2, w.content_hash, {_field(2, "bytea[]")},
           {_field(3, "integer")}, {_field(4, "integer")}, g.progress, {fields}
      FROM {_rows(_VERSIONS)} JOIN written w ON w.place = f[1]::bigint
      LEFT JOIN (SELECT project_id, {_PROGRESS} AS progress
                   FROM new_{Table.TASKS}
                  WHERE kind = 'activity' AND NOT summary
                  GROUP BY project_id) AS g ON g.project_id = w.project_id
)"""


def _insert_records(table: Table) -> str:
    columns: tuple[Column, ...] = RECORDS[table]
    names = ", ".join(column.name for column in columns)
    fields = ", ".join(_field(at, column.type) for at, column in enumerate(columns, 2))
    number = _VERSIONS + 1 + list(Table).index(table)
    returning = f"\n    RETURNING {_OF_PROGRESS}" if table is Table.TASKS else ""
    return f"""new_{table} AS (
    INSERT INTO {table} ({", ".join(KEY_COLUMNS)}, {names})
    SELECT $1, w.project_id, w.version, {fields}
      FROM {_rows(number)} JOIN written w ON w.place = f[1]::bigint{returning}
)"""


def _insert_results() -> str:
    names = outcomes.COLUMNS[3:]
    fields = [_field(at, _RESULT_TYPES.get(name, "text")) for at, name in enumerate(names, 1)]
    external_id, outcome = (fields[names.index(name)] for name in ("external_id", "outcome"))
    at = names.index("project_id")
    fields[at] = f"""coalesce({_field(at + 1, "bigint")},
               (SELECT project_id FROM created WHERE external_id = {external_id}
                   AND {outcome} = 'created'))"""
    return f"""results AS (
    INSERT INTO import_results ({", ".join(outcomes.COLUMNS)})
    SELECT $1, begun.import_id, 1, {", ".join(fields)}
      FROM begun CROSS JOIN {_rows(_VERSIONS + 1 + len(Table))}
    RETURNING {", ".join(names)}
)"""


def _rows(number: int) -> str:
    return (
        f"string_to_table(${number}::text, {_literal(_ROW)}) AS line CROSS JOIN LATERAL"
        f" (SELECT string_to_array(line, {_literal(_FIELD)}, {_literal(_NULL)}) AS f OFFSET 0) AS r"
    )


def _literal(mark: bytes) -> str:
    return rf"E'\x{mark[0]:02x}'"


def _field(at: int, kind: str) -> str:
    return f"f[{at}]" if kind == Type.TEXT else f"f[{at}]::{kind}"
