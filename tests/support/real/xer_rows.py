"""Where the rows of an XER file are in the database."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from tests.support.real.stored import Row
from tests.support.xer_leaves import Cells, Names, Record, Tables, stored_hours, work_hours

OWNERS: Final = {
    "UDFVALUE": "fk_id",
    "TASKACTV": "task_id",
    "PROJPCAT": "proj_id",
    "RSRCRCAT": "rsrc_id",
    "ASGNMNTACAT": "taskrsrc_id",
}
"""For each table whose rows are children of other records, the column with their id."""
SHARED: Final = {
    "ACCOUNT": "CostAccount",
    "ACTVCODE": "ActivityCode",
    "ACTVTYPE": "ActivityCodeType",
    "CALENDAR": "Calendar",
    "COSTTYPE": "ExpenseCategory",
    "CURRTYPE": "Currency",
    "FINDATES": "FinancialPeriod",
    "LOCATION": "Location",
    "MEMOTYPE": "NotebookTopic",
    "OBS": "OBS",
    "PCATTYPE": "ProjectCodeType",
    "PCATVAL": "ProjectCode",
    "RCATTYPE": "ResourceCodeType",
    "RCATVAL": "ResourceCode",
    "ROLES": "Role",
    "RSRC": "Resource",
    "RSRCCURVDATA": "ResourceCurve",
    "RSRCRATE": "ResourceRate",
    "UDFTYPE": "UDFType",
    "UMEASURE": "UnitOfMeasure",
}
"""The elements of rows outside the projects. Their ids are distinct only within a table."""
ROWS: Final = {
    "PROJECT": {"project"},
    "PROJWBS": {"project", "tasks"},
    "TASK": {"tasks"},
    "TASKPRED": {"dependencies", "project_parts"},
    "TASKRSRC": {"assignments", "project_parts"},
}
"""The tables of the database that have the rows of a table; those of others are parts or shared."""
_PARTS: Final = {"project_parts", "outside"}
_HOURS: Final = "clndr_data"
_ID: Final = ("ObjectId",)
_ELEMENT: Final = ("=element",)
_TYPE: Final = ("TypeObjectId",)


class Found(NamedTuple):
    """What became of a file's rows.

    Attributes:
        cells: how many cells were found, by table.
        lost: by table and missing columns, the rows.
        unused: rows of shared objects that no project has, by table.
    """

    cells: Counter[str]
    lost: dict[str, list[Cells]]
    unused: Counter[str]


class Places:
    """The records of a project, or those outside the projects, by the texts that they have."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._by_text: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            for text in {text for texts in record.leaves.values() for text in texts}:
                self._by_text[text].append(record)

    def with_text(self, text: str) -> list[Record]:
        return self._by_text.get(text, [])


def project_records(project: Row, children: Mapping[str, list[Row]]) -> Iterator[Record]:
    """Yield the records of a stored project, itself first."""
    for table, rows in {"project": [project], **children}.items():
        for row in rows:
            columns = {name: text for name, text in row.items() if name != "attributes"}
            yield Record(json.loads(row["attributes"] or "{}"), columns, table)


def shared_records(rows: Iterable[Mapping[str, str]]) -> dict[str, Places]:
    """Return the objects outside the projects by element."""
    by_element: dict[str, list[Record]] = defaultdict(list)
    for row in rows:
        by_element[row["element"]].append(Record(json.loads(row["attributes"]), {}))
    return {element: Places(records) for element, records in by_element.items()}


def search(
    tables: Tables,
    projects: Mapping[str, Iterable[Record]],
    shared: Mapping[str, Places],
    left_out: Mapping[tuple[str, str], set[str]],
) -> Found:
    """Look for every cell of a file.

    Args:
        projects: the records of each stored project, by ``proj_id``.
        shared: the stored objects outside the projects, by element.
        left_out: by table and column, the cells that no record has to have.
    """
    places = {number: Places(records) for number, records in projects.items()}
    found = Found(Counter(), defaultdict(list), Counter())
    for table, rows in tables.items():
        names: dict[str, Names] = defaultdict(Names)
        for row in rows:
            # The codes of a project do not name it.
            named = [row["proj_id"]] if "proj_id" in row else [*places]
            inside = [places[number] for number in named if number in places]
            here = inside if table in SHARED or "proj_id" in row else []
            here += [each for element, each in shared.items() if element == SHARED.get(table)]
            if table in OWNERS:
                here += shared.values()
            missing = _find(table, row, here, names, left_out)
            if missing is None and "proj_id" not in row:
                found.unused[table] += 1
            elif missing is None or missing:
                found.lost[f"{table} {missing}"].append(row)
            else:
                found.cells[table] += len(row)
        for where, each in names.items():
            for column in each.ambiguous():
                found.lost[f"{table} in {where}: {column} has no name alone"].append({})
    return found


def _find(
    table: str,
    row: Cells,
    places: list[Places],
    names: dict[str, Names],
    left_out: Mapping[tuple[str, str], set[str]],
) -> list[str] | None:
    """Return the columns that are not found; None if there is no record with the row's id."""
    ignored = {name for name in row if row[name] in left_out.get((table, name), ())} | {_HOURS}
    if table in OWNERS:
        ignored |= {OWNERS[table], "proj_id"}
        candidates = _children(row, row[OWNERS[table]], ignored, places)
    else:
        candidates = _records(table, row, places)
    tried = []
    for record in candidates:
        kind = _kind(table, record)
        here = ignored | ({"proj_id"} if record.table == "project" else set())
        if not names[kind].add(row, record, here):
            tried.append((names[kind], record, here))
        elif _same_hours(row, record):
            return []
    lost = [known.lost(row, record, here) for known, record, here in tried]
    return min(lost, key=len, default=[_HOURS] if candidates else None)


def _kind(table: str, record: Record) -> str:
    """Return what decides the names of a table's columns."""
    if table == "UDFVALUE":  # the type of the value
        return str([*record.leaves])
    # The planned start fills the column of a project without activities.
    return f"{record.table} {('PlannedStartDate',) in record.leaves}"


def _records(table: str, row: Cells, places: list[Places]) -> list[Record]:
    number = row[next(iter(row))]
    found = [record for place in places for record in place.with_text(number)]
    if table in SHARED and "proj_id" not in row:
        element = [SHARED[table]]
        found = [
            each
            for each in found
            if each.leaves.get(_ID) == [number] and each.leaves.get(_ELEMENT, element) == element
        ]
    return [each for each in found if each.table in ROWS.get(table, _PARTS)]


def _children(row: Cells, owner: str, ignored: set[str], places: list[Places]) -> list[Record]:
    """Return the children of an owner. Those of a project are parts, without its id."""
    found = [
        child
        for place in places
        for record in place.with_text(owner)
        for child in record.children
        if _TYPE in child.leaves
    ]
    if "proj_id" in row:
        value = row[next(name for name in row if name not in ignored)]
        parts = (each for place in places for each in place.with_text(value))
        found += [each for each in parts if each.table == "project_parts"]
    return found


def _same_hours(row: Cells, record: Record) -> bool:
    if _HOURS not in row:
        return True
    if any(path[-1] == _HOURS for path in record.leaves):
        return True  # damaged
    return work_hours(row[_HOURS]) == stored_hours(record.leaves)
