"""What PostgreSQL knows about the tables and views of the service, and the dictionary of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from service.storage import Pool
from tests.tools.reference.markdown import table

_RELATIONS: Final = """
SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind = 'v' AS is_view,
       obj_description(c.oid, 'pg_class') AS comment
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('public', 'report') AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
 ORDER BY n.nspname, c.relname
"""
_COLUMNS: Final = """
SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS required, col_description(a.attrelid, a.attnum) AS comment
  FROM pg_attribute a
 WHERE a.attrelid = format('%I.%I', $1::text, $2::text)::regclass
   AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
"""
_SHORT_TYPES: Final = {
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
}
_CURRENT: Final = "current_"


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column of a table or view; ``required`` is never true for one of a view."""

    name: str
    type: str
    required: bool
    comment: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view. Its ``name`` has the schema in front, unless that is ``public``."""

    schema: str
    name: str
    is_view: bool
    comment: str | None
    columns: Sequence[StoredColumn]


async def read_relations(pool: Pool) -> list[Relation]:
    """Return the tables and views of the service's schemas, by name."""
    return [
        Relation(
            schema=row["schema"],
            name=row["name"] if row["schema"] == "public" else f"{row['schema']}.{row['name']}",
            is_view=row["is_view"],
            comment=row["comment"],
            columns=[
                StoredColumn(
                    name=each["name"],
                    type=_SHORT_TYPES.get(each["type"], each["type"]),
                    required=each["required"],
                    comment=each["comment"],
                )
                for each in await pool.fetch(_COLUMNS, row["schema"], row["name"])
            ],
        )
        for row in await pool.fetch(_RELATIONS)
    ]


def write_dictionary(relations: Iterable[Relation], names: Iterable[str]) -> str:
    """Return a section for each of some tables and views.

    Args:
        relations: all tables and views.
        names: those to describe, in order.
    """
    by_name = {each.name: each for each in relations}
    return "\n".join(
        _section(by_name[name], _versions_of(by_name[name], by_name)) for name in names
    )


def described_names(relations: Iterable[Relation]) -> set[str]:
    """Return the tables and views that need a section.

    A table with the columns of its view ``current_…`` needs none: that of the view names it.
    """
    by_name = {each.name: each for each in relations}
    views = (by_name.get(_CURRENT + name) for name in by_name)
    named = {table.name for view in views if view and (table := _versions_of(view, by_name))}
    return by_name.keys() - named


def _versions_of(view: Relation, by_name: dict[str, Relation]) -> Relation | None:
    """The table that has the columns of a view for all versions."""
    if not view.is_view or not view.name.startswith(_CURRENT):
        return None
    found = by_name.get(view.name.removeprefix(_CURRENT))
    same = found and {each.name for each in found.columns} == {each.name for each in view.columns}
    return found if same else None


def _section(relation: Relation, versions: Relation | None) -> str:
    about = relation.comment or ""
    if versions:
        about += f" The table `{versions.name}` has the same columns for all versions."
    rows = _rows((versions or relation).columns)
    columns = table(("Column", "Type", "Description"), rows)
    return f"## {relation.name}\n\n{about}\n\n{columns}"


def _rows(columns: Iterable[StoredColumn]) -> Iterator[Sequence[str]]:
    for each in columns:
        kind = f"`{each.type}`, not null" if each.required else f"`{each.type}`"
        yield f"`{each.name}`", kind, each.comment or ""
