"""Random files, and the number of them that a test reads.

The suite reads a third of the examples that a test names, the same ones at each run.
``FUZZ=1 pytest tests/unit tests/integration/fuzz`` reads all of them, ``FUZZ=100`` a hundred times
as many, and different ones at each run.
"""

import gzip
import os
import random
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from service.formats.mspdi import format as mspdi_format
from service.formats.mspdi import mapping as mspdi
from service.formats.native import mapping as native
from service.formats.p6 import format as p6
from service.formats.p6 import mapping
from tests.support.paths import CHECKOUT
from tests.support.reading import MSPDI, NATIVE

_FUZZ: Final = "FUZZ" in os.environ
_FEWEST: Final = 10
"""Examples that a third does not go below."""
_TIMES: Final = int(os.environ.get("FUZZ", "1"))
REAL: Final = {
    path: (CHECKOUT / path).read_bytes()
    for path in (
        *("samples/native.xml", "tests/data/mspdi/plan.xml", "tests/data/p6/plants.xml"),
        "tests/data/xer/plan.xer",
    )
}
"""A valid file of each dialect."""

VALUES: Final = [
    *("", " ", "0", "1", "2", "3", "-5", "007", "100", "1e3", "99999999999", "true", "false", "x"),
    *("2026-01-05T08:00:00", "2026-02-30T08:00:00", "2026-01-05T08:00:00+02:00", "infinity"),
    *("PT8H0M0S", "-PT8H", "P1DT2H", "PT", "Finish to Start", "Labor", "Material", "-65535"),
    *("wbs", "activity", "FS", "json", "text", "[1]", '{"a": null}', "mspdi", "p6", "work"),
    *("back\\slash", "two\nlines\tand a tab", "Grüße", "\U0001f600", "y" * 300, "\u00a0"),
    *("{6A4D5B0C-0000-4000-8000-000000000001}", "00000000-0000-0000-0000-000000000000"),
]
_FOREIGN: Final = ["odd", "x:odd", "x:Task", "Task", "project", "Project", "BaselineProject"]
_MARKS: Final = [
    *(
        b"<",
        b">",
        b"&",
        b"&#0;",
        b"]]>",
        b"<![CDATA[",
        b"<!--",
        b"-->",
        b"<?x?>",
        b"\0",
        b'"',
        b"'",
    ),
    *(b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"</project>", b"<Project>", b"<!DOCTYPE a>"),
    *(b'xmlns=""', b'id="', b"<task/>", b"<Task>", b"</Task>", b"/", b"=", b" "),
]
ENCODINGS: Final = ["utf-8", "utf-16", "utf-8-sig", "iso-8859-15", "windows-1252", "us-ascii"]


def examples(few: int) -> settings:
    """Build Hypothesis' settings: a third of ``few`` examples, or all of them ``FUZZ`` times."""
    return settings(
        max_examples=few * _TIMES if _FUZZ else max(few // 3, min(few, _FEWEST)),
        derandomize=not _FUZZ,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


SEEDS: Final = st.integers(0, 2**32)
SIZES: Final = st.integers(1, 120)
"""How many steps a made-up file takes: the smaller, the easier to look at."""


class Tree:
    """Writes a file of one dialect at random: its own names, mostly where they belong.

    Args:
        seed: the file is the same for the same.
        size: steps, of which each opens or closes an element or writes a text.
    """

    def __init__(self, seed: int, size: int) -> None:
        self._random = random.Random(seed)
        self._size = size
        self._stack: list[str] = []
        self._written: list[str] = []
        self._open, self._inside, self._attributes = self._random.choice(_GRAMMARS)

    def write(self) -> str:
        """The file's text; it may break off."""
        chance = self._random
        for name, attributes in self._open:
            self._begin(name, attributes)
        for _ in range(self._size):
            step = chance.random()
            if step < 0.5 and len(self._stack) < 12:
                self._begin(self._child(), self._made_attributes())
                if chance.random() < 0.6:
                    self._text()
                    self._end()
            elif step < 0.85 and len(self._stack) > 1:
                self._end()
            else:
                self._text()
        if chance.random() < 0.9:
            while self._stack:
                self._end()
        return "".join(self._written)

    def _child(self) -> str:
        known = self._inside.get(self._stack[-1])
        if known and self._random.random() < 0.85:
            return self._random.choice(known)
        anywhere = self._random.choice([*self._inside.values()])
        return self._random.choice([*anywhere, self._random.choice(_FOREIGN)])

    def _begin(self, name: str, attributes: str) -> None:
        self._stack.append(name)
        self._written.append(f"<{name}{attributes}>")

    def _end(self) -> None:
        self._written.append(f"</{self._stack.pop()}>")

    def _made_attributes(self) -> str:
        chance = self._random
        names = {chance.choice(self._attributes) for _ in range(chance.randrange(4))}
        return "".join(f' {name}="{self._value()}"' for name in sorted(names))

    def _text(self) -> None:
        kind = self._random.random()
        if kind < 0.8:
            self._written.append(self._value())
        elif kind < 0.9:
            self._written.append(f"<![CDATA[{self._random.choice(VALUES)}]]>")
        else:
            self._written.append(self._random.choice(["<!--c-->", "<?p i?>", "\n", "&#65;"]))

    def _value(self) -> str:
        value = self._random.choice([*VALUES, *map(str, range(20))])
        return value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _sources(*maps: Any) -> list[str]:
    return [field.source for one in maps for field in one.fields if field.source[0] != "@"]


def _grammar(project: str, own: list[str], records: dict[str, list[str]]) -> dict[str, list[str]]:
    """What stands in what, by a dialect's own tables: paths of records, and what is in each."""
    inside: dict[str, list[str]] = {project: [*own]}
    for path, within in records.items():
        holder, _, name = path.rpartition("/")
        inside.setdefault(holder or project, []).extend([name] * 4)
        if holder:
            inside[project].extend([holder] * 3)
        inside[name] = within
    return inside


_NATIVE_RECORDS = {
    "tasks/task": [*_sources(native.TASK), "attributes"],
    "dependencies/dependency": ["attributes"],
    "resources/resource": [*_sources(native.RESOURCE), "attributes"],
    "assignments/assignment": [*_sources(native.ASSIGNMENT), "attributes"],
    "baselines/baseline": [*_sources(native.BASELINE), "attributes"],
    "baseline-tasks/baseline-task": [*_sources(native.BASELINE_TASK), "attributes"],
    "parts/part": ["attribute"],
    "shared-objects/object": ["attribute"],
}
_MSPDI_RECORDS = {path: ["Name", "UID", "Baseline"] for path in mspdi_format.FORMAT.records} | {
    "Tasks/Task": [*_sources(mspdi.TASK), "PredecessorLink", "Baseline", "ExtendedAttribute"],
    "Resources/Resource": [*_sources(mspdi.RESOURCE), "Rates"],
    "Assignments/Assignment": [*_sources(mspdi.ASSIGNMENT), "TimephasedData"],
}
_P6_RECORDS = {path: ["ObjectId", "Name", "CalendarObjectId"] for path in p6.FORMAT.records} | {
    "WBS": _sources(mapping.WBS),
    "Activity": [*_sources(mapping.ACTIVITY), "CalendarObjectId", "Code", "UDF"],
    "Relationship": _sources(mapping.RELATIONSHIP),
    "ResourceAssignment": _sources(mapping.ASSIGNMENT),
}
_GRAMMARS: Final[list[tuple[list[tuple[str, str]], dict[str, list[str]], list[str]]]] = [
    (
        [("projects", f' xmlns="{NATIVE}" xmlns:x="urn:x"')],
        {
            "projects": ["project"],
            **_grammar("project", _sources(native.PROJECT), _NATIVE_RECORDS),
            "attributes": ["attribute"],
        },
        [
            "id",
            "id",
            "id",
            "name",
            "parent",
            "kind",
            "type",
            "version",
            "source",
            "task",
            "x:a",
            "number",
        ],
    ),
    (
        [("w", ' xmlns:x="urn:x"'), ("Project", f' xmlns="{MSPDI}"')],
        {
            "w": ["Project"],
            **_grammar("Project", _sources(mspdi.PROJECT), _MSPDI_RECORDS),
            "PredecessorLink": _sources(mspdi.LINK),
            "Baseline": [*_sources(mspdi.BASELINE), "Number", "Number", "TimephasedData"],
        },
        ["x:a", "kind"],
    ),
    (
        [("APIBusinessObjects", ' xmlns:x="urn:x"')],
        {
            "APIBusinessObjects": ["Project", "Project", *p6.FORMAT.outside, "BaselineProject"],
            **_grammar("Project", _sources(mapping.PROJECT), _P6_RECORDS),
            "BaselineProject": [*_sources(mapping.BASELINE), *_P6_RECORDS],
            **{
                name: ["ObjectId", "ObjectId", "Name", "BaseCalendarObjectId", "ResourceObjectId"]
                for name in p6.FORMAT.outside
            },
        },
        ["x:a", "ObjectId"],
    ),
]


def encoded(seed: int, text: str) -> tuple[bytes, str | None]:
    """A file's text in one of the supported encodings, and the charset that its part declares."""
    chance = random.Random(seed)
    encoding = chance.choice(ENCODINGS)
    name = encoding.removesuffix("-sig")
    declared = chance.choice(["utf-8", name, name])
    text = f'<?xml version="1.0" encoding="{declared}"?>\n{text}'
    charset = chance.choice([None, None, None, name])
    return text.encode(encoding, "xmlcharrefreplace"), charset


def mutated(seed: int, data: bytes, most: int) -> bytes:
    """A file with up to ``most`` faults: bytes changed, lost, doubled, marks put in between."""
    chance = random.Random(seed)
    changed = bytearray(data)
    for _ in range(chance.randint(1, most)):
        at = chance.randrange(len(changed) + 1)
        end = at + int(chance.expovariate(0.05))
        kind = chance.randrange(6)
        if kind == 0 and at < len(changed):
            changed[at] = chance.randrange(256)
        elif kind == 1:
            del changed[at:end]
        elif kind == 2:
            changed[at:at] = changed[at:end]
        elif kind == 3:
            changed[at:at] = chance.choice(_MARKS)
        elif kind == 4:
            other = chance.randrange(len(changed) + 1)
            changed[at:at] = changed[other : other + end - at]
        elif chance.random() < 0.2:
            del changed[at:]
    return bytes(changed)


def zipped(data: bytes) -> bytes:
    """A ZIP of one plan."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("plan.xml", data)
    return archive.getvalue()


WRAPPED: Final[dict[str, Callable[[bytes], bytes]]] = {
    "as it is": bytes,
    "gzip": gzip.compress,
    "ZIP": zipped,
}
