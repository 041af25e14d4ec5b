"""The tables of ``docs/formats.md`` say what the maps say that files are read by, and no more."""

import re
from collections.abc import Iterator
from types import ModuleType
from typing import Final, NamedTuple

import pytest

from service.formats.encoding import ENCODINGS_SHOWN
from service.formats.format import Format
from service.formats.mspdi import format as mspdi
from service.formats.native import format as native
from service.formats.p6 import mapping, shared_objects
from service.formats.record_maps import RecordMap
from service.formats.registry import FORMATS
from service.http.upload.form import MEDIA_TYPES
from tests.support.paths import CHECKOUT

TEXT: Final = (CHECKOUT / "docs" / "formats.md").read_text("utf-8")

RECORDS: Final = {
    "Native": {
        "project": native.PROJECT,
        "task": native.TASK,
        "dependency": native.DEPENDENCY,
        "resource": native.RESOURCE,
        "assignment": native.ASSIGNMENT,
        "part": native.PART,
        "object": native.SHARED,
    },
    "Microsoft Project": {
        "Project": mspdi.PROJECT,
        "Task": mspdi.TASK,
        "PredecessorLink": mspdi.LINK,
        "Resource": mspdi.RESOURCE,
        "Assignment": mspdi.ASSIGNMENT,
    },
    "Primavera P6": {
        "Project": mapping.PROJECT,
        "WBS": mapping.WBS,
        "Activity": mapping.ACTIVITY,
        "Relationship": mapping.RELATIONSHIP,
        "Resource": shared_objects.RESOURCE,
        "ResourceAssignment": mapping.ASSIGNMENT,
        "anything outside the projects": shared_objects.OBJECT,
    },
}


class Told(NamedTuple):
    """Where an element goes; no column where a function of the dialect decides by it."""

    element: str
    column: str | None
    kept: bool


def documented(dialect: str) -> dict[str, list[Told]]:
    """The table of a dialect, by record."""
    section = re.split(rf"^## {dialect}$", TEXT, flags=re.M)[1].partition("\n## ")[0]
    table: dict[str, list[Told]] = {}
    for row in re.findall(r"^\| (.*) \|$", section, re.M)[1:]:
        record, elements, column = re.split(r" ?\| ?", row)
        if record:
            told = table.setdefault(record.strip("`"), [])
        told += _row(re.findall(r"`(@?[\w-]+)`", elements), column)
    return table


def _row(elements: list[str], column: str) -> Iterator[Told]:
    named = re.match(r"`(\w+)`", column)
    for element in elements:
        own = element.removeprefix("@").lower().replace("-", "_")
        name = own if column.startswith("the same") else named[1] if named else None
        yield Told(element, name, column.endswith("kept"))


DECIDING: Final = {"OutlineLevel": "parent_id", "IsCostResource": "type"}
"""Elements of which a function makes a column, and which the table therefore has there."""


def mapped(record: RecordMap) -> list[Told]:
    """What a map says, as the table should."""
    stored = {*record.columns, "external_id"}
    columns = [field.column if field.column in stored else None for field in record.fields]
    return [
        Told(field.source, column or DECIDING.get(field.source), field.keep)
        for field, column in zip(record.fields, columns, strict=True)
    ]


@pytest.mark.parametrize("dialect", RECORDS)
def test_the_table_of_a_dialect_says_what_its_maps_say(dialect: str) -> None:
    said = {name: sorted(map(str, told)) for name, told in documented(dialect).items()}
    true = {name: sorted(map(str, mapped(each))) for name, each in RECORDS[dialect].items()}
    assert said == true


@pytest.mark.parametrize("module", [native, mspdi, mapping, shared_objects])
def test_no_other_map_says_what_no_table_does(module: ModuleType) -> None:
    shown = [record for records in RECORDS.values() for record in records.values()]
    known = [told for record in shown for told in mapped(record)]
    maps = [value for value in vars(module).values() if isinstance(value, RecordMap)]
    assert maps
    assert [told for record in maps for told in mapped(record) if told not in known] == []


@pytest.mark.parametrize("dialect", FORMATS, ids=lambda dialect: dialect.name)
def test_what_changes_at_every_save_is_documented(dialect: Format) -> None:
    for name in dialect.volatile:
        assert f"`{name}`" in TEXT


def test_the_encodings_and_the_types_of_the_part_are_documented() -> None:
    assert f"Read are {ENCODINGS_SHOWN}." in TEXT
    (types,) = re.findall(r"the part may say (.+) or nothing; another is a 400", TEXT)
    assert set(re.findall(r"`([\w/-]+)`", types)) == MEDIA_TYPES
