"""Invented plans that look like real ones; the same seed gives the same plans.

A plan consists of phases of ten tasks: a summary, activities, an inner summary, and a milestone at
the end. A phase depends only on the seed, its project and its number. A plan of any size therefore
needs the memory of one phase, and can be generated again for its links and assignments.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Final

PHASE: Final = 10
"""Number of tasks of a phase."""
HOURS_PER_DAY: Final = 8
COST_PER_HOUR: Final = 60
DATA_DATE: Final = datetime(2026, 3, 9, 8)
"""A Monday. All plans state their progress up to it."""
HOLIDAY: Final = datetime(2026, 4, 3)
"""The exception of the calendar. No plan observes it."""

_EPOCH: Final = datetime(2026, 1, 5)  # a Monday
_WEEKS: Final = 26
"""Plans start in one of so many weeks from the epoch on."""
_PHASES_IN_STEPS: Final = 100
_KINDS: Final = ("Pump station", "Boiler & turbine", "Office tower", "Rail bridge", "ERP roll-out")
_PLACES: Final = ("Köln", "Bergen", "Łódź", "Porto", "Graz", "Gent")
_PHASES: Final = ("Design", "Permits", "Procurement", "Civil works", "Installation", "Tests")
WORK: Final = ("Survey", "Drawings", "Order", "Foundation", "Pipes <DN 200>", "Cabling", "Report")
_NOTES: Final = "Agreed with the client.\nSee minutes."
_PEOPLE: Final = ("Ada Moreau", "Jon Berg", "Ilse Novák", "Mei Tanaka")


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        place: position in the project, from 0.
        parent: position of the parent, or None.
        start, finish: wall-clock times.
        days: working days; 0 for a milestone.
        worked: working days before the data date.
        slipped: weeks by which the task is later than its baseline.
        slack: weeks by which the task can be later without delaying the project.
        pinned: whether a constraint keeps the task from starting earlier.
    """

    place: int
    parent: int | None
    level: int
    wbs: str
    name: str
    start: datetime
    finish: datetime
    days: int
    worked: int
    summary: bool
    notes: str | None
    risk: str
    slipped: int
    slack: int
    pinned: bool

    @property
    def milestone(self) -> bool:
        return self.days == 0

    @property
    def hours(self) -> int:
        return self.days * HOURS_PER_DAY

    @property
    def actual_hours(self) -> int:
        return self.worked * HOURS_PER_DAY

    @property
    def remaining_hours(self) -> int:
        return self.hours - self.actual_hours

    @property
    def percent(self) -> int:
        if self.milestone:
            return 100 if self.finish <= DATA_DATE else 0
        return 100 * self.worked // self.days

    @property
    def actual_start(self) -> datetime | None:
        return self.start if self.percent else None

    @property
    def actual_finish(self) -> datetime | None:
        return self.finish if self.percent == 100 else None

    @property
    def late_start(self) -> datetime:
        return self.start + timedelta(weeks=self.slack)

    @property
    def late_finish(self) -> datetime:
        return self.finish + timedelta(weeks=self.slack)

    @property
    def slack_hours(self) -> int:
        return self.slack * 5 * HOURS_PER_DAY

    @property
    def discipline(self) -> str:
        """The code that sorts the task: the kind of its work."""
        return self.name.split()[0].upper()[:3]

    @property
    def baseline_start(self) -> datetime:
        return self.start - timedelta(weeks=self.slipped)

    @property
    def baseline_finish(self) -> datetime:
        return self.finish - timedelta(weeks=self.slipped)


@dataclass(frozen=True)
class Link:
    """``successor`` starts after the finish (FS) or start (SS) of ``predecessor``, plus a lag."""

    predecessor: int
    successor: int
    type: str
    lag_hours: int


@dataclass(frozen=True)
class Resource:
    """A resource of type ``work``, ``material`` or ``nonlabor``."""

    place: int
    name: str
    type: str
    email: str | None


@dataclass(frozen=True)
class Assignment:
    """A resource assigned to a task, by their positions; ``half`` means half of its time."""

    task: int
    resource: int
    half: bool
    hours: int
    actual_hours: int
    start: datetime
    finish: datetime

    @property
    def remaining_hours(self) -> int:
        return self.hours - self.actual_hours


class Plan:
    """One project.

    Args:
        seed: seed of the random choices.
        number: number of the project, from 1.
        size: number of tasks.
    """

    def __init__(self, seed: int, number: int, size: int) -> None:
        self.number = number
        self.size = size
        self._key = f"{seed}/{number}"
        random = Random(self._key)
        self.id = f"P-{seed}-{number:05}"
        self.code = f"PU-{number}"
        self.name = f"{random.choice(_KINDS)} {random.choice(_PLACES)} {number}"
        self.manager = random.choice(_PEOPLE)
        self.currency = random.choice(("EUR", "NOK", "PLN", "CHF"))
        self.priority = random.randrange(100, 1000, 100)
        self.status = random.choice(("Active", "Active", "Planned"))
        self._first_day = random.randrange(_WEEKS) * 5
        self.start = _morning(self._first_day)
        steps = min(size // PHASE + 1, _PHASES_IN_STEPS)
        self.finish = _evening(self._first_day + steps * 5 + PHASE * 6)
        self.resources = (
            *(
                Resource(place, name, "work", f"{name.split()[0].lower()}@example.com")
                for place, name in enumerate(_PEOPLE)
            ),
            Resource(4, "Concrete", "material", None),
            Resource(5, "Crane", "nonlabor", None),
        )

    def tasks(self) -> Iterator[Task]:
        """Yield all tasks, parents before their children."""
        for first in range(0, self.size, PHASE):
            yield from self._phase(first)

    def links(self) -> Iterator[Link]:
        """Yield the links from each activity of a phase to the next one."""
        for first in range(0, self.size, PHASE):
            leaves = [task for task in self._phase(first) if not task.summary]
            for before, after in pairwise(leaves):
                if after.start < before.finish and not after.milestone:
                    days = (after.start - before.start).days
                    yield Link(before.place, after.place, "SS", days * HOURS_PER_DAY)
                else:
                    yield Link(before.place, after.place, "FS", 0)

    def assignments(self) -> Iterator[Assignment]:
        """Yield one or two assignments for each activity."""
        for task in self.tasks():
            if task.summary or task.milestone:
                continue
            random = Random(f"{self._key}/a{task.place}")
            for resource in random.sample(self.resources, random.choice((1, 1, 2))):
                half = random.random() < 0.2
                yield Assignment(
                    task=task.place,
                    resource=resource.place,
                    half=half,
                    hours=task.hours // (1 + half),
                    actual_hours=task.actual_hours // (1 + half),
                    start=task.start,
                    finish=task.finish,
                )

    def _phase(self, first: int) -> list[Task]:
        """Return the tasks of a phase: the first is a summary, the sixth an inner one, the last a
        milestone."""
        number = first // PHASE
        size = min(PHASE, self.size - first)
        random = Random(f"{self._key}/{number}")
        day = begin = self._first_day + number % _PHASES_IN_STEPS * 5
        slack = random.choice((0, 1, 2)) if number else 0
        tasks: list[Task] = []
        for step in range(size):
            inner = 5 < step < PHASE - 1
            summary = step == 0 or (step == 5 and size > 6)
            milestone = step == PHASE - 1
            days = 0 if milestone else random.randint(1, 4)
            overlap = 1 if random.random() < 0.15 and day > begin and not milestone else 0
            start = day if summary else day - overlap
            if not summary:
                day = start + days
            finish = _evening(start if milestone else start + days)
            tasks.append(
                Task(
                    place=first + step,
                    parent=None if step == 0 else first + 5 if inner else first,
                    level=1 if step == 0 else 3 if inner else 2,
                    wbs=_wbs(number + 1, step),
                    name=_name(random, number, step),
                    start=_evening(start) if milestone else _morning(start),
                    finish=finish,
                    days=days,
                    worked=_working_days(_morning(start), min(finish, DATA_DATE)),
                    summary=summary,
                    notes=_NOTES if random.random() < 0.2 else None,
                    risk=random.choice(("low", "medium", "high")),
                    slipped=random.choice((0, 0, 1)),
                    slack=slack,
                    pinned=step == 1,
                )
            )
        return [_span_children(task, tasks) if task.summary else task for task in tasks]


def _span_children(summary: Task, phase: list[Task]) -> Task:
    """Return a summary with the first start and the last finish of its children."""
    children = [
        task
        for task in phase
        if not task.summary and (summary.level == 1 or task.parent == summary.place)
    ]
    if not children:
        return summary
    start = min(task.start for task in children)
    finish = max(task.finish for task in children)
    days = _working_days(start, finish)
    worked = _working_days(start, min(finish, DATA_DATE))
    values = {**vars(summary), "start": start, "finish": finish, "days": days, "worked": worked}
    return Task(**values)


def _working_days(start: datetime, finish: datetime) -> int:
    """Count the working days of which at least an hour is between two times."""
    days = (finish - start + timedelta(hours=23)).days
    return sum((start + timedelta(day)).weekday() < 5 for day in range(days))


def _name(random: Random, number: int, step: int) -> str:
    if step == 0:
        return _PHASES[number % len(_PHASES)]
    if step == PHASE - 1:
        return f"{_PHASES[number % len(_PHASES)]} done"
    return f"{random.choice(WORK)} {step}"


def _wbs(phase: int, step: int) -> str:
    if step == 0:
        return f"{phase}"
    if 5 < step < PHASE - 1:
        return f"{phase}.5.{step - 5}"
    return f"{phase}.{step if step < PHASE - 1 else 6}"


def _date(day: int) -> datetime:
    return _EPOCH + timedelta(weeks=day // 5, days=day % 5)


def _morning(day: int) -> datetime:
    return _date(day).replace(hour=8)


def _evening(day: int) -> datetime:
    """Return the end of the working day before ``day``."""
    return _date(day - 1).replace(hour=17)
