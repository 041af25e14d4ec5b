"""Generated files with records of every format, and sources that give a file in pieces."""

import io
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from service.errors import FileRefused, FileTooLarge
from service.formats.format import Format
from service.formats.limits import Limits
from service.formats.reader import Reader
from service.formats.registry import FORMATS
from service.model import Project, SharedObjects
from service.tables import TABLES
from tests.support.reading import MSPDI, NATIVE

OWN = st.sampled_from([*["#"] * 40, "1", " 2 ", "x" * 300])
"""A record's own id; ``#`` becomes its place among its like."""
IDS = st.sampled_from([*"0123" * 6, "9", " 2 ", "x" * 300])
EARLY, LATE = "2026-01-05T08:00:00", "2026-01-31T08:00:00"
DATES = st.sampled_from([*[EARLY, LATE] * 12, "2026-02-30T08:00:00", "", "soon"])
AMOUNTS = st.sampled_from(
    [*["0", "8", "-8", "7.50", "0.29", "1"] * 3, "1e2", "", "-65535", " -65535 ", "99999999999"]
)
CODES = st.sampled_from([*["0", "1", "7", "-1"] * 3, " -1 ", "8", ""])
GUIDS = st.sampled_from(
    [
        "3F2504E0-4F89-11D3-9A0C-0305E82C3301",
        "{3f2504e0-4f89-11d3-9a0c-0305e82c3301}",
        " 3F2504E0-4F89-11D3-9A0C-0305E82C3301",
        "00000000-0000-0000-0000-000000000000",
        "none",
    ]
)
TEXTS = st.sampled_from(
    ["Tiles", "", " ", "back\\slash", "two\nlines\tand a tab", "Grüße", "&lt;b>"]
)
STRAYS = st.sampled_from([*[""] * 20, "\n  ", "stray"])


def leaf(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    filled = values.map(lambda value: f"<{name}>{value}</{name}>")
    return st.one_of(st.just(""), filled, filled)


def given_leaf(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return values.map(lambda value: f"<{name}>{value}</{name}>")


def attribute(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), values.map(lambda value: f' {name}="{value}"'))


def given_attribute(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return values.map(lambda value: f' {name}="{value}"')


def record(
    name: str, attributes: list[st.SearchStrategy[str]], children: list[st.SearchStrategy[str]]
) -> st.SearchStrategy[str]:
    """One kind of record; sometimes it has a child twice, or text follows it."""
    twice = st.one_of(*[st.just("")] * 8 * len(children), *children)
    inside = st.tuples(*children, twice).map("".join)
    return st.tuples(st.tuples(*attributes).map("".join), inside, STRAYS).map(
        lambda made: f"<{name}{made[0]}>{made[1]}</{name}>{made[2]}"
    )


def many(*records: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.one_of(*records), max_size=8).map(
        lambda made: "".join(text.replace("#", str(at)) for at, text in enumerate(made))
    )


NAMED = st.sampled_from(
    [
        *[""] * 8,
        '<attributes><attribute name="risk">high</attribute>\n<attribute name="\\">x</attribute>'
        "</attributes>",
        '<attributes><attribute name="a">1</attribute><attribute name="a">2</attribute>'
        "</attributes>",
        '<attributes><attribute name="n" type="json">[1]</attribute></attributes>',
    ]
)
NATIVE_FILES = st.tuples(
    many(
        record(
            "task",
            [
                given_attribute("id", OWN),
                attribute("parent", IDS),
                attribute("kind", st.sampled_from([*["wbs", "activity"] * 8, "odd"])),
                attribute("milestone", st.sampled_from([*["true", "0"] * 8, "maybe"])),
            ],
            [
                leaf("name", TEXTS),
                leaf("start", DATES),
                leaf("finish", DATES),
                leaf("duration", st.sampled_from([*["PT8H", "PT8H0M", "-PT8H"] * 8, "8 h"])),
                leaf("notes", TEXTS),
                NAMED,
            ],
        )
    ),
    many(
        record(
            "dependency",
            [given_attribute("predecessor", IDS), given_attribute("successor", IDS)],
            [st.sampled_from([*[""] * 20, "<other/>"])],
        )
    ),
    many(record("resource", [given_attribute("id", OWN)], [leaf("name", TEXTS)])),
    many(
        record(
            "assignment",
            [given_attribute("task", IDS), attribute("resource", IDS), attribute("units", AMOUNTS)],
            [leaf("work", st.sampled_from(["PT8H", "P1D"]))],
        )
    ),
).map(
    lambda made: (
        f'<projects xmlns="{NATIVE}">\n<project id="P"><name>n</name><tasks>{made[0]}</tasks>'
        f"<dependencies>\n{made[1]}</dependencies><resources>{made[2]}</resources>"
        f'<assignments>{made[3]}</assignments></project>\n<project id="Q"><name>q</name></project>'
        "</projects>"
    )
)
LINK = record(
    "PredecessorLink",
    [],
    [
        leaf("PredecessorUID", IDS),
        leaf("Type", st.sampled_from(["0", "1", "9"])),
        leaf("LinkLag", AMOUNTS),
        leaf("LagFormat", st.sampled_from(["7", "19", " 20 "])),
    ],
)
MSPDI_FILES = st.tuples(
    many(
        record(
            "Task",
            [],
            [
                given_leaf("UID", OWN),
                leaf("Name", TEXTS),
                leaf("Start", DATES),
                leaf("Finish", DATES),
                leaf("OutlineLevel", st.sampled_from(["0", "1", "2", "3", "x"])),
                leaf("IsNull", st.sampled_from(["0", "1"])),
                leaf("Milestone", st.sampled_from(["0", "1"])),
                leaf("GUID", GUIDS),
                leaf("ConstraintType", CODES),
                leaf("TotalSlack", AMOUNTS),
                leaf("CalendarUID", CODES),
                leaf("Cost", AMOUNTS),
                leaf("Extra", TEXTS),
                LINK,
                LINK,
            ],
        )
    ),
    many(
        record(
            "Resource",
            [],
            [
                given_leaf("UID", OWN),
                leaf("Type", st.sampled_from(["0", "1"])),
                leaf("IsCostResource", st.sampled_from(["0", "1"])),
            ],
        ),
        record("Other", [], [leaf("Name", TEXTS)]),
    ),
    many(
        record(
            "Assignment",
            [],
            [
                leaf("TaskUID", IDS),
                leaf("ResourceUID", AMOUNTS),
                leaf("Units", AMOUNTS),
                leaf("Start", DATES),
                leaf("Finish", DATES),
                leaf("ActualCost", AMOUNTS),
            ],
        )
    ),
).map(
    lambda made: (
        f'<Project xmlns="{MSPDI}"><Name>n</Name><Tasks>{made[0]}</Tasks>'
        f"<Resources>{made[1]}</Resources><Assignments>{made[2]}</Assignments></Project>"
    )
)
CODE = "<Code><TypeObjectId>1</TypeObjectId><ValueObjectId>{}</ValueObjectId></Code>"
P6_RECORDS = many(
    record(
        "WBS",
        [],
        [given_leaf("ObjectId", OWN), leaf("ParentObjectId", IDS), leaf("Name", TEXTS)],
    ),
    record(
        "Activity",
        [],
        [
            given_leaf("ObjectId", OWN),
            leaf("WBSObjectId", IDS),
            leaf("StartDate", DATES),
            leaf("FinishDate", DATES),
            leaf("PercentComplete", AMOUNTS),
            leaf("PlannedDuration", AMOUNTS),
            leaf("AtCompletionDuration", AMOUNTS),
            leaf("Type", st.sampled_from(["Start Milestone", "Odd"])),
            leaf("GUID", GUIDS),
            leaf("EarlyStartDate", DATES),
            leaf("RemainingEarlyStartDate", DATES),
            leaf("TotalFloat", AMOUNTS),
            leaf("PhysicalPercentComplete", AMOUNTS),
            leaf("PrimaryConstraintType", st.sampled_from(["", "Start On", "Sometime"])),
            leaf("ActualTotalCost", AMOUNTS),
            leaf("CalendarObjectId", st.sampled_from(["1", "2", "9"])),
            st.sampled_from(["", CODE.format(1), CODE.format(2)]),
        ],
    ),
    record(
        "Relationship",
        [],
        [
            given_leaf("ObjectId", OWN),
            leaf("PredecessorActivityObjectId", IDS),
            leaf("SuccessorActivityObjectId", IDS),
            leaf("Lag", AMOUNTS),
        ],
    ),
    record(
        "ResourceAssignment",
        [],
        [
            leaf("ActivityObjectId", IDS),
            leaf("ResourceObjectId", IDS),
            leaf("ResourceType", st.sampled_from(["Labor", "Material"])),
            leaf("AtCompletionUnits", AMOUNTS),
            leaf("ActualUnits", AMOUNTS),
            leaf("AtCompletionCost", AMOUNTS),
            leaf("StartDate", DATES),
            leaf("FinishDate", DATES),
        ],
    ),
    record("ActivityNote", [], [leaf("Note", TEXTS), leaf("NotebookTopicObjectId", IDS)]),
    record("Code", [], [leaf("TypeObjectId", IDS)]),
)
P6_SHARED = "".join(
    f"<{kind}><ObjectId>{number}</ObjectId><Name>{kind} {number}</Name></{kind}>"
    for kind in ("Calendar", "Resource", "ActivityCodeType", "ActivityCode", "NotebookTopic")
    for number in (1, 2)
)
P6_FILES = st.lists(P6_RECORDS, min_size=1, max_size=2).map(
    lambda made: (
        f"<APIBusinessObjects>{P6_SHARED}"
        + "".join(
            f"<Project><Id>P{at}</Id>{records}<Name>n</Name></Project>"
            for at, records in enumerate(made)
        )
        + "</APIBusinessObjects>"
    )
)


class SlowSource(io.BytesIO):
    """A source that gives a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self._step = step

    def read(self, _size: int | None = None, /) -> bytes:
        return super().read(self._step)


class PieceSource:
    """A source that gives prepared pieces, and counts them."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.taken = 0

    def read(self, _n: int) -> bytes:
        self.taken += 1
        return next(self._pieces, b"")


def read_as_data(data: bytes, step: int, formats: tuple[Format, ...] = FORMATS) -> list[Any]:
    """Return all that a reader makes of a file, as plain data."""
    reader = Reader(SlowSource(data, step), Limits(), formats=formats)
    items: list[Any] = []
    try:
        for item in reader:
            if isinstance(item, SharedObjects):
                items.append(tuple(item.objects))
            elif isinstance(item, Project):
                rows = [b"".join(item.rows.blocks(table)) for table in TABLES]
                same = (item.external_id, item.row, item.content_hash, item.shared, item.tasks)
                items.append((same, rows, item.warnings))
                item.rows.close()
            else:
                items.append(item)
    except (FileRefused, FileTooLarge) as fault:
        items.append(repr(fault))
    return [*items, *reader.warnings]
