"""Files of the native dialect: 4 kB a project, as plain as an ERP writes them.

Every project has 20 tasks in three levels, six dependencies, two resources and two assignments;
names, dates and effort differ from task to task. 20,000 projects are about 80 MB.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from service.formats.native.mapping import NAMESPACE

TASKS: Final = 20
PROJECT_BYTES: Final = 4_000

Edition = Callable[[int], int]
"""How often a project was changed, by its number; each time one field of one task."""

_DAYS: Final = [f"{date(2024, 1, 1) + timedelta(days=day)}" for day in range(1500)]
_WORDS: Final = ("Survey", "Foundation", "Order", "Cabling", "Pipes &amp; pumps", "Report", "Test")
_MANAGERS: Final = ("Ada Moreau", "Jon Berg", "Ilse Novák", "Mei Tanaka")
HEAD: Final = f'<?xml version="1.0" encoding="UTF-8"?>\n<projects xmlns="{NAMESPACE}">\n'
TAIL: Final = "</projects>\n"


def unchanged(_number: int) -> int:
    """The edition of a first export."""
    return 0


def write(path: Path, projects: int, edition: Edition = unchanged, *, first: int = 0) -> Path:
    """Write a file of that many projects; the same arguments give the same bytes.

    Args:
        path: to write to; it is given back.
        projects: in the file.
        edition: of each project.
        first: the first project's number.
    """
    with path.open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as file:
        file.write(HEAD)
        file.writelines(
            project(number, edition(number)) for number in range(first, first + projects)
        )
        file.write(TAIL)
    return path


def content(first: int, projects: int, edition: int = 0) -> bytes:
    """A file of that many projects, from a number on."""
    written = "".join(project(number, edition) for number in range(first, first + projects))
    return f"{HEAD}{written}{TAIL}".encode()


def single(number: int) -> bytes:
    """A file of one project."""
    return content(number, 1)


def project(number: int, edition: int) -> str:
    """One project's XML."""
    day = number % 1000
    tasks = "".join(_tasks(number, day, edition))
    links = "".join(
        f'<dependency predecessor="T{end}" successor="T{end + 1}" type="FS" lag="PT{end % 3}H"/>\n'
        for end in range(2, 14, 2)
    )
    return (
        f'<project id="P-{number:07d}"><name>{_WORDS[number % 7]} {number}</name>'
        f"<code>PU-{number}</code><status>active</status>"
        f"<manager>{_MANAGERS[number % 4]}</manager><currency>EUR</currency>"
        f"<start>{_DAYS[day]}T08:00:00</start><finish>{_DAYS[day + 90]}T17:00:00</finish>"
        f"<priority>{number % 1000}</priority>\n"
        f"<tasks>\n{tasks}</tasks>\n<dependencies>\n{links}</dependencies>\n"
        f'<resources>\n<resource id="R1" type="work"><name>{_MANAGERS[number % 3]}</name>'
        f"<email>crew{number}@example.com</email></resource>\n"
        f'<resource id="R2" type="material"><name>Concrete</name></resource>\n</resources>\n'
        f'<assignments>\n<assignment task="T3" resource="R1" units="1"><work>PT24H</work>'
        f'</assignment>\n<assignment task="T4" resource="R2" units="0.5"/>\n</assignments>\n'
        f"</project>\n"
    )


def _tasks(number: int, day: int, edition: int) -> Iterator[str]:
    progress = f"<percent-complete>{edition % 101}</percent-complete>"
    yield _task("1", "", number, day, 30, progress)
    for place in range(2, TASKS + 1):
        parent = "T1" if place % 5 == 2 else f"T{place - (place - 2) % 5}"
        effort = (number + place) % 9 + 1
        yield _task(f"{place}", f' parent="{parent}"', number, day + place * 2, effort)


def _task(place: str, parent: str, number: int, day: int, days: int, progress: str = "") -> str:
    return (
        f'<task id="T{place}"{parent}><name>{_WORDS[(number + days) % 7]} {place}</name>'
        f"<start>{_DAYS[day]}T08:00:00</start><finish>{_DAYS[day + days]}T17:00:00</finish>"
        f"<duration>PT{days * 8}H</duration>{progress}</task>\n"
    )


def repeated(
    copies: int, projects: int, project_of: Callable[[int], str]
) -> tuple[int, Iterator[bytes]]:
    """A file made while it is taken: some projects again and again, with ids of their own.

    Args:
        copies: how often they come.
        projects: that are repeated.
        project_of: one project's XML, by its number; its ``id`` begins with ``P-``.

    Returns:
        The file's size, and its bytes.
    """
    written = "".join(map(project_of, range(projects))).encode()
    template = written.replace(b' id="P-', b' id="P-\0-')
    head, tail = HEAD.encode(), TAIL.encode()

    def blocks() -> Iterator[bytes]:
        yield head
        for copy in range(copies):
            yield template.replace(b"\0", b"%07d" % copy)
        yield tail

    return len(head) + copies * len(template.replace(b"\0", b"0000000")) + len(tail), blocks()
