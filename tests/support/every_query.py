"""Every query of the service, with its placeholders filled, and values for its parameters."""

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from service.imports.client_removal import KEYS
from service.imports.fast_path.statement import list_inserts
from service.projects.comparison import keys
from service.projects.comparison import queries as comparison
from service.projects.comparison.kinds import KINDS, Basis, Match
from service.projects.records import SQL as PROJECTS
from service.storage.queries import SQL, Queries
from service.tables import PROJECT_COLUMNS, Table

OF_MANY = {
    "clients.list": "lists all clients for an operator",
    "prune.list_clients": "finds the clients for which pruning has work",
    "fast_path.read_current": "reads for a group of small imports, whatever their clients",
    "prune.list_changed_clients": "finds the clients with new versions",
    "imports.list_silent_clients": "reads the few running imports of all clients",
}
ABOUT_THE_SERVER = ("partitions", "grants", "readers", "server_checks", "citus", "transactions")
COMPOSED = ("compare", "compare_keys")
"""Files of fragments; ``composed_queries`` has the queries made of them."""

PART = re.compile(r"(--.*\n|\s)*AND ")
"""A condition of projects.list, not a query."""

SOURCES = {
    "imports.list_imports": ("imports", ("list_latest", "list_by_key", "list_one")),
    "projects.list": ("projects", ("list_all", "list_some")),
}
"""Queries, and the parts of their file from which they select: the placeholder, and the names."""

CHILD = {
    "columns": "attributes",
    "size": "1",
    "title": PROJECTS.title,
    "progress": Queries("writer").progress,
}
SORTED = {"key": "v.name", "type": "text", "beyond": ">", "direction": "DESC"}
FILLED = {
    "projects.list_sorted": SORTED,
    "projects.list_missing": {"archived": ""},
    "version_copy.copy_versions": {"columns": ", ".join(PROJECT_COLUMNS)},
    "fast_path.write": {"inserts": list_inserts()},
}
VALUES: dict[str, Any] = {
    "int8": 1,
    "int4": 1,
    "float8": 1.0,
    "bool": True,
    "text": "x",
    "bytea": b"x",
    "jsonb": "{}",
    "date": date(2026, 1, 1),
    "timestamptz": datetime(2026, 1, 1, tzinfo=UTC),
}


def queries() -> Iterator[tuple[str, str]]:
    """Yield every query by name, with its placeholders filled as the code fills them."""
    for file in sorted((SQL / "queries").glob("*.sql")):
        if file.stem in (*ABOUT_THE_SERVER, *COMPOSED):
            continue
        named = re.findall(r"^-- name: (\w+)", file.read_text("utf-8"), re.MULTILINE)
        texts = {name: getattr(Queries(file.stem), name) for name in named}
        places = (f"${number}" for number in itertools.count(4))
        conditions = [
            text.format(
                *itertools.islice(places, len({*re.findall(r"{\d}", text)})), **CHILD, **SORTED
            )
            for text in texts.values()
            if PART.match(text)
        ]
        place = next(places)
        parts = {part for _, names in SOURCES.values() for part in names} | {"title", "progress"}
        for name, text in texts.items():
            full = f"{file.stem}.{name}"
            if PART.match(text) or name in parts or text.startswith("DO $settings$"):
                continue
            for table in tables_of(full, text):
                filled = (
                    CHILD | SORTED | {"table": table, "key": KEYS[table]} | FILLED.get(full, {})
                )
                filled["conditions"] = "\n".join(conditions)
                placeholder, sources = SOURCES.get(full, ("", ("",)))
                for source in sources:
                    filled[placeholder] = texts.get(source, "").format(place)
                    yield full, _close_gaps(text.format(**filled))
    yield from composed_queries()


def _close_gaps(query: str) -> str:
    """Number the parameters of a query from 1; its conditions begin at 4."""
    used = sorted({int(number) for number in re.findall(r"\$(\d+)", query)})
    return re.sub(r"\$(\d+)", lambda found: f"${used.index(int(found[1])) + 1}", query)


def composed_queries() -> Iterator[tuple[str, str]]:
    """Yield the queries of a comparison, for each key by which records match."""
    yield "compare.versions", comparison.SQL.versions
    yield "compare.totals", comparison.SQL.totals
    yield "compare.baseline_totals", comparison.SQL.baseline_totals
    for match, moved in itertools.product(Match, (False, True)):
        basis = Basis(match, codes=True, moved=moved)
        for kind, same_ids in itertools.product(KINDS, (False, True)):
            query = comparison.differences(kind, basis._replace(same_ids=same_ids))
            yield f"compare.{kind} by {match}, moved: {moved}, same ids: {same_ids}", query
        query = comparison.baseline_differences(basis)
        yield f"compare.baseline by {match}, moved: {moved}", query
    yield "compare.same_ids", keys.same_ids(basis)
    yield "compare.current_baseline", comparison.SQL.current_baseline


def value(type_name: str, place: int) -> Any:
    """Return a value of a type; of two times, the second is later."""
    known = VALUES[type_name]
    return known + timedelta(place) if isinstance(known, datetime) else known


def tables_of(name: str, text: str) -> list[str]:
    """Return the tables that the code puts into a query."""
    if name == "clients.delete_rows":
        return [*KEYS]
    return [*Table] if "{table}" in text else [Table.TASKS]
