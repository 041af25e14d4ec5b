"""Where a plan that was read from P6 XML and from XER differs, field by field.

    python -m tests.support.real.pair plans.xml plans.xer

prints the fields of projects with the same ``external_id``: in how many records both files state
the same, one file alone states a value, or both state different ones, with an example.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from service.model import Project, SharedObject
from service.tables import Table
from tests.support.leaves import json_leaves
from tests.support.reading import project_row, read, rows

EQUAL: Final = "equal"
DIFFERENT: Final = "different"
XML_ALONE: Final = "xml alone"
XER_ALONE: Final = "xer alone"
Key = tuple[str, str]
Fields = dict[str, str]


class Compared(NamedTuple):
    """One field of one record.

    Attributes:
        record: name of the element or, for rows without one, of the table.
        field: a column with its table's name, or the path of a member of the attributes.
        verdict: one of the constants above; ``EQUAL`` only if the texts are.
    """

    record: str
    field: str
    verdict: str
    xml: str | None
    xer: str | None


class Plans(NamedTuple):
    """A file's records by project, element and id, and the number of its warnings."""

    projects: dict[str, dict[Key, Fields]]
    shared: dict[Key, Fields]
    refused: list[str]


def read_plans(content: bytes) -> Plans:
    """Read the records of a file without a database."""
    reading = read(content)
    assert reading.fault is None, reading.fault
    shared: dict[Key, Fields] = {}
    hashes: dict[bytes, Key] = {}
    for item in reading.shared:
        for each in item.objects:
            assert isinstance(each, SharedObject)
            key = each.element, each.object_id or ""
            hashes[each.hash] = key
            shared[key] = _members(each.attributes)
    projects = {}
    for project in reading.projects:
        records = dict(_records(project))
        for used in project.shared:
            if used in hashes:
                element, number = hashes[used]
                records["uses " + element, number] = {"used": "yes"}
        projects[project.external_id] = records
    return Plans(projects, shared, [each.message for each in reading.refusals])


def compare_plans(xml: Plans, xer: Plans) -> Iterator[Compared]:
    """Yield every field of the projects that both files have, and of their shared objects."""
    for number in xml.projects.keys() & xer.projects.keys():
        yield from _compare(xml.projects[number], xer.projects[number])
    yield from _compare(xml.shared, xer.shared)


def _compare(xml: Mapping[Key, Fields], xer: Mapping[Key, Fields]) -> Iterator[Compared]:
    for key in xml.keys() | xer.keys():
        one, other = xml.get(key), xer.get(key)
        if one is None or other is None:
            verdict = XML_ALONE if other is None else XER_ALONE
            yield Compared(key[0], "(record)", verdict, key[1], key[1])
            continue
        for name in one.keys() | other.keys():
            left, right = one.get(name), other.get(name)
            if left is None or right is None:
                verdict = XML_ALONE if right is None else XER_ALONE
            else:
                verdict = EQUAL if left == right else DIFFERENT
            yield Compared(key[0], name, verdict, left, right)


def _records(project: Project) -> Iterator[tuple[Key, Fields]]:
    row = dict(project_row(project))
    yield ("Project", ""), _fields("project", row)
    for table in Table:
        seen: Counter[Key] = Counter()
        for each in rows(project, table):
            record = dict(each)
            fields = _fields(table.value, record)
            element = record.get("element") or _element(table, record)
            number = fields.get("ObjectId") or record.get("task_id") or record.get("resource_id")
            key = element, number or fields.get("ProjectObjectId", "")
            seen[key] += 1
            yield (key[0], f"{key[1]} {seen[key]}"), fields


def _element(table: Table, record: Mapping[str, Any]) -> str:
    return {
        Table.TASKS: {"wbs": "WBS", "activity": "Activity"}.get(record.get("kind") or "", "task"),
        Table.DEPENDENCIES: "Relationship",
        Table.RESOURCES: "Resource",
        Table.ASSIGNMENTS: "ResourceAssignment",
    }.get(table, table.value)


def _fields(table: str, row: dict[str, str | None]) -> Fields:
    attributes = row.pop("attributes", None)
    row.pop("ordinal", None)
    columns = {f"{table}.{name}": text for name, text in row.items() if text is not None}
    return columns | _members(attributes or "{}")


def _members(attributes: str | bytes) -> Fields:
    leaves = json_leaves(json.loads(attributes))
    return {"/".join(path): " | ".join(texts) for path, texts in leaves.items()}


def summarize(compared: Iterator[Compared]) -> dict[tuple[str, str], dict[str, list[Compared]]]:
    """Group by record and field, then by verdict."""
    groups: dict[tuple[str, str], dict[str, list[Compared]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for each in compared:
        groups[each.record, each.field][each.verdict].append(each)
    return dict(sorted(groups.items()))


def main(xml: str, xer: str) -> None:
    plans = read_plans(Path(xml).read_bytes()), read_plans(Path(xer).read_bytes())
    for path, each in zip((xml, xer), plans, strict=True):
        print(path, len(each.projects), "projects", each.refused[:3])
    groups = summarize(compare_plans(*plans))
    equal = 0
    for (record, field), verdicts in groups.items():
        counts = {verdict: len(found) for verdict, found in verdicts.items()}
        equal += counts.get(EQUAL, 0)
        if counts.keys() == {EQUAL}:
            continue
        [example] = [found[0] for verdict, found in verdicts.items() if verdict != EQUAL][:1]
        texts = (str(text)[:60] for text in (example.xml, example.xer))
        print(f"{record}.{field} {counts} {' / '.join(map(repr, texts))}")
    print(equal, "equal values")


if __name__ == "__main__":
    main(*sys.argv[1:3])
