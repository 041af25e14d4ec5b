"""Takes the records of a project out of its tree, in the file's order.

This is the harvest in Python. ``compiled.pyx`` has one that does by itself what nearly every record
needs, and gives the others to the dialect's methods as this one does.
"""

from collections.abc import Callable, Mapping
from typing import Any

from service.formats.element import Element
from service.formats.format import Format
from service.formats.project_builder import ProjectBuilder
from service.formats.project_content import TooLarge
from service.formats.values import BLANK

Take = Callable[[Any, Element], None]
TakeInner = Callable[[Any, Element, bytes], None]
Records = Mapping[str | None, Mapping[str, Take]]
"""By tag of what holds them (None for the project itself) and by tag: what takes a record."""


def records_of(dialect: Format, tag: str) -> Records:
    """A dialect's records, by tags.

    Args:
        tag: makes a tag of a local name by ``%``.
    """
    records: dict[str | None, dict[str, Take]] = {}
    for path, take in dialect.records.items():
        holder, _, name = path.rpartition("/")
        records.setdefault(tag % holder if holder else None, {})[tag % name] = take
    return records


class RecordCollector:
    """The harvest of one file's projects; call it with a project.

    Args:
        records: of the file's dialect.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    def __call__(self, plan: ProjectBuilder, *, closed: bool) -> None:
        """Take every complete record of a project, and remove it.

        Args:
            plan: takes the records, and is told to give up where one is too large.
            closed: whether the project was closed; of what is open the last child stays.
        """
        project = plan.element
        if None in self._records:
            self._take(plan, project, self._records[None], closed=closed)
        for holder in project:
            if (held := self._records.get(holder.tag)) is not None:
                complete = closed or holder.getnext() is not None
                self._take(plan, holder, held, closed=complete)

    def _take(
        self, plan: ProjectBuilder, parent: Element, records: Mapping[str, Take], *, closed: bool
    ) -> None:
        for element in parent[:] if closed else parent[:-1]:
            if (take := records.get(element.tag)) is not None:
                take_one(plan, parent, element, take)
                element.clear()  # lxml takes quadratic time to remove what has much inside
                parent.remove(element)


def take_one(plan: ProjectBuilder, parent: Element, element: Element, take: Take) -> None:
    """Have a project take a record and the text behind it, unless it was given up."""
    try:
        if not plan.given_up:
            take(plan, element)
            tail = element.tail
            if tail is not None and tail.strip(BLANK):
                plan.stray_text(element, parent, tail)
    except TooLarge as error:
        plan.give_up(str(error))


def take_inner_one(plan: ProjectBuilder, element: Element, owner: bytes, take: TakeInner) -> None:
    """Have a project take a record inside another, named ``owner``, which has been taken."""
    try:
        if not plan.given_up:
            take(plan, element, owner)
    except TooLarge as error:
        plan.give_up(str(error))


def prune(top: Element) -> None:
    """Remove all inside an element that is complete; what is open is last everywhere."""
    while len(top):
        del top[:-1]
        top = top[0]
