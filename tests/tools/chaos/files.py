"""What is uploaded: files of a few projects that other uploads have too, in editions that differ.

A project's name ends with its edition, so that each version in the database shows which
file it is from; the same edition of a project is the same content.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Final

from service import samples
from tests.support.faults.truth import children_of
from tests.support.native import native

_KNOWN: Final = 60
"""Projects that a round's native files choose from."""
_EDITIONS: Final = 3
_LARGE: Final = 12_000
_SMALL: Final = range(1_000, 1_400)
"""Projects that a round's small files choose from."""
_NATIVE: Final = re.compile(r"Project (\d+) e(\d)")
_NAMES: Final = re.compile(r"(<GUID>[^<]*</GUID><Name>[^<]*|<Id>[^<]*</Id><Name>[^<]*)(?=</)")
"""Of a sample's projects, among others."""


@dataclass(frozen=True)
class File:
    """A file, and the edition that all of its projects are of."""

    content: bytes
    edition: str

    @cached_property
    def says(self) -> dict[str, dict[str, int]]:
        """By project, how many children it has for each table."""
        return children_of(self.content)


def mixed(random: Random, large_share: float = 0.06) -> File:
    """A file as most are: native in three of four, now and then with a project that cannot land."""
    if random.random() < 0.25:
        return _sample(random, random.choice((2, 6)))
    if random.random() < large_share:
        return large(random)
    edition = random.randrange(_EDITIONS)
    numbers = random.sample(range(_KNOWN), random.choice((1, 5, 20, 40)))
    projects = [_project(number, edition, _tasks(number)) for number in numbers]
    if random.random() < 0.2:
        projects.insert(random.randrange(len(projects) + 1), '<project id="nameless"/>')
    if random.random() < 0.1:
        projects.append(projects[0])
    return _native(projects, edition)


def small(random: Random) -> File:
    """A file of a few small projects, now and then with one that cannot land."""
    if random.random() < 0.2:
        return _sample(random, projects=1, seeds=50)
    edition = random.randrange(_EDITIONS)
    numbers = random.sample(_SMALL, random.choice((1, 1, 1, 2, 5)))
    projects = [_project(number, edition, number % 13) for number in numbers]
    if random.random() < 0.1:
        projects.append('<project id="nameless"/>')
    return _native(projects, edition)


def large(random: Random) -> File:
    """A file whose projects of several MB take a while to COPY, each in a batch of its own."""
    edition = random.randrange(_EDITIONS)
    return _native(
        (_project(number, edition, _LARGE) for number in range(_KNOWN, _KNOWN + 3)), edition
    )


def many(first: int, projects: int) -> File:
    """A file of that many projects of twenty tasks, from a number on."""
    return _native((_project(number, 0, 20) for number in range(first, first + projects)), 0)


def tasks_of(external_id: str, name: str) -> int | None:
    """Return the tasks of a stored project by its name, or None if it is no native one of here."""
    found = _NATIVE.fullmatch(name)
    if found is None or external_id != f"P{found[1]}":
        return None
    number = int(found[1])
    if number in _SMALL:
        return number % 13 + int(found[2])
    return (_tasks(number) if number < _KNOWN else _LARGE) + int(found[2])


def _tasks(number: int) -> int:
    return 1500 if number % 20 == 7 else number % 13


def _native(projects: Iterable[str], edition: int) -> File:
    xml = native(*projects)
    return File(xml.encode(), f"e{edition}")


def _project(number: int, edition: int, tasks: int) -> str:
    """A project with children of every kind; an edition differs in its last task too."""
    rows = "".join(f'<task id="T{n}"><name>Task {n}</name></task>' for n in range(tasks + edition))
    links = "".join(
        f'<dependency predecessor="T{n - 1}" successor="T{n}" type="FS"/>' for n in range(1, tasks)
    )
    work = "".join(f'<assignment task="T{n}" resource="R" units="1"/>' for n in range(tasks))
    return (
        f'<project id="P{number}"><name>Project {number} e{edition}</name><tasks>{rows}</tasks>'
        f"<dependencies>{links}</dependencies>"
        '<resources><resource id="R" type="work"><name>Crew</name></resource></resources>'
        f"<assignments>{work}</assignments></project>\n"
    )


def _sample(random: Random, projects: int, seeds: int = 1) -> File:
    edition = random.randrange(_EDITIONS)
    dialect = random.choice(("mspdi", "p6"))
    xml = "".join(samples.write_sample(dialect, projects, 25, random.randint(1, seeds)))
    return File(_NAMES.sub(rf"\1 e{edition}", xml).encode(), f"e{edition}")
