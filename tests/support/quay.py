"""Plans for the timeline of the page: one with everything that it draws, and a large one."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from tests.support.tab import project

BEGIN: Final = date(2026, 1, 5)
CRITICAL: Final = "<total-float>PT0H</total-float><critical>true</critical>"
LATER: Final = 14
"""Days by which the later plan is late from the permit on."""
_LINKS: Final = "<dependencies>{}</dependencies>"
_LINK: Final = '<dependency predecessor="{}" successor="{}" type="{}" lag="{}"/>'
_CHAIN: Final = (
    *(("A", "B", "FS", "PT0S"), ("B", "M", "FS", "PT0S"), ("M", "C", "FS", "PT0S")),
    *(("C", "D", "SS", "PT40H"), ("D", "E", "FS", "PT0S"), ("E", "H", "FS", "PT0S")),
)
_PLANNED: Final = (("A", 0, 15), ("B", 16, 35), ("M", 52, 0), ("C", 54, 40), ("D", 80, 40))
_LONG: Final = "Detailed design, with the consultations of the port authority and the neighbours"


def quay(later: int = 0) -> str:
    """A plan with an outline, critical tasks, baselines, marks and links; ``later`` in days."""
    tasks = (
        _summary("1", "Design and approvals"),
        _task("A", "1.1", "1", "Survey", 0, 20, "<total-float>PT80H</total-float>", done=100),
        _task("B", "1.2", "1", _LONG, 21, 35, CRITICAL, done=60),
        _milestone("M", "1.3", "Permit granted", 60 + later, CRITICAL, due=58, parent="1"),
        _summary("2", "Construction"),
        _summary("2.1", "Foundations", "2"),
        _task("C", "2.1.1", "2.1", "Pile driving", 62 + later, 40, CRITICAL + _no_earlier(66), 20),
        _task("D", "2.1.2", "2.1", "Capping beam", 90 + later, 30, "<cost>52000</cost>"),
        _task("E", "2.2", "2", "Furniture", 126, 20, "<total-float>PT4H</total-float>"),
        _milestone("H", "3", "Handover", 150 + later, "", due=190),
    )
    planned = "".join(
        f'<baseline-task number="0" task="{task}">{_dates(start, days)}</baseline-task>'
        for task, start, days in _PLANNED
    )
    rest = (
        f"{_LINKS.format(''.join(_LINK.format(*each) for each in _CHAIN))}<baselines>"
        '<baseline number="0" current="true"><name>Contract</name></baseline></baselines>'
        f"<baseline-tasks>{planned}</baseline-tasks></project>"
    )
    made = project("quay", "Western quay, section 4", "".join(tasks)).replace("</project>", rest)
    return made.replace("<tasks>", f"<data-date>{_at(70)}</data-date><tasks>")


def programme(tasks: int) -> str:
    """A plan with many tasks and links, in packages of forty."""
    links = (
        _LINK.format(n - step, n, "FS", "PT0S") for n in range(tasks) for step in (1, 30) if n >= 30
    )
    made = project("programme", "Programme of the western port", "".join(_packages(tasks)))
    return made.replace("</project>", f"{_LINKS.format(''.join(links))}</project>")


def _packages(tasks: int) -> Iterator[str]:
    for n in range(tasks):
        package, place = divmod(n, 40)
        if place == 0:
            yield _summary(str(package + 1), f"Work package {package + 1}")
        critical = CRITICAL if n % 9 == 0 else "<critical>false</critical>"
        wbs = f"{package + 1}.{place + 1}"
        start, days = n * 7 % 40 + n // 4, 5 + n % 17
        yield _task(str(n), wbs, str(package + 1), f"Task {n}", start, days, critical, n % 101)


def _summary(wbs: str, name: str, parent: str = "") -> str:
    return f'<task id="S{wbs}" wbs="{wbs}" summary="true"{_in(parent)}><name>{name}</name></task>'


def _task(
    id_: str, wbs: str, parent: str, name: str, start: int, days: int, more: str, done: int = 0
) -> str:
    return (
        f'<task id="{id_}" wbs="{wbs}"{_in(parent)}><name>{name}</name>{_dates(start, days)}'
        f"<duration>PT{days * 8}H</duration><percent-complete>{done}</percent-complete>"
        f"{more}</task>"
    )


def _milestone(
    id_: str, wbs: str, name: str, day: int, more: str, *, due: int, parent: str = ""
) -> str:
    return (
        f'<task id="{id_}" wbs="{wbs}" milestone="true"{_in(parent)}><name>{name}</name>'
        f"{_dates(day, 0)}<deadline>{_at(due)}</deadline>{more}</task>"
    )


def _in(parent: str) -> str:
    return f' parent="S{parent}"' if parent else ""


def _no_earlier(day: int) -> str:
    return (
        "<constraint-type>start_no_earlier_than</constraint-type>"
        f"<constraint-date>{_at(day)}</constraint-date>"
    )


def _dates(start: int, days: int) -> str:
    return f"<start>{_at(start)}</start><finish>{_at(start + days)}</finish>"


def _at(day: int) -> str:
    return f"{BEGIN + timedelta(day)}T08:00:00"
