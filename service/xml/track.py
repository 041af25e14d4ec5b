"""Follows the parser's events: which element is a project, which a record of it, and what may go.

A record is taken at its end and removed when the next one ends, never while it is the last: the
parser still writes behind it. Under a Primavera project the scalars are siblings of its activities,
so nothing but records is ever removed there.
"""

from collections.abc import Callable
from typing import Any

from service.errors import FileTooLarge
from service.xml.content import TooLarge
from service.xml.dialect import Dialect
from service.xml.element import Element
from service.xml.file import File
from service.xml.place import line_of
from service.xml.plan import Plan
from service.xml.rulej import Names
from service.xml.values import BLANK

_NODE = 40
"""What an element counts beside its text, where the size of a record in the tree is bounded."""

_Take = Callable[[Any, Element], None]


class Track:
    """The state of reading one file.

    Args:
        dialect: of the file.
        file: what its projects share.
        root: the root's tag.

    Attributes:
        tags: names every element whose events are wanted.
        plan: the project that is open, or None.
        complete: projects closed so far.
        closed: whether the root was closed.
        strays: elements and texts outside the projects that nobody reads.
    """

    def __init__(self, dialect: Dialect, file: File, root: str) -> None:
        tag = f"{{{file.namespace}}}%s" if file.namespace else "%s"
        self._dialect = dialect
        self.file = file
        self._project = tag % dialect.project
        self._outside = {tag % name: take for name, take in dialect.outside.items()}
        self._passed_over = {tag % name: take for name, take in dialect.passed_over.items()}
        self._records: dict[str | None, dict[str, _Take]] = {}
        for path, take in dialect.records.items():
            holder, _, name = path.rpartition("/")
            held = self._records.setdefault(tag % holder if holder else None, {})
            held[tag % name] = take
        names = {name for held in self._records.values() for name in held}
        names |= {self._project, *self._outside, *self._passed_over}
        self.tags = [root, *(names - {root})]
        self.plan: Plan | None = None
        self.complete = 0
        self.closed = False
        self.strays = 0
        self.root: Element | None = None
        self._open: Element | None = None
        self._skipped: Element | None = None
        self._holder: Element | None = None
        self._held: dict[str, _Take] = {}
        self._previous: Element | None = None

    def start(self, element: Element) -> None:
        """An element was begun.

        Raises:
            FileTooLarge: one project more than the file may hold.
        """
        if self.plan is not None or self._open is not None or self._skipped is not None:
            return
        parent = element.getparent()
        if element.tag == self._project and (
            self._dialect.anywhere or (parent is not None and parent is self.root)
        ):
            self._start_project(element)
        elif parent is not None and parent is self.root:
            if element.tag in self._passed_over:
                self._skipped = element
            elif element.tag in self._outside:
                self._open = element
        if parent is None:
            self.root = element

    def end(self, element: Element) -> None:
        """An element was closed."""
        plan = self.plan
        if plan is not None:
            if element is plan.element:
                self._end_project(plan)
            elif (take := self._take_of(element, plan)) is not None:
                self._end_record(element, plan, take)
        elif element is self._open:
            self._open = None
            self._advance(element)
            self._outside[element.tag](self.file, element)
        elif self._skipped is not None:
            self._end_skipped(element, self._skipped)
        if element is self.root:
            self.closed = True
            self._count_strays(element)

    def close(self) -> None:
        """Give back memory and disk."""
        if self.plan is not None:
            self.plan.close()
            self.plan = None
        self.file.close()

    def audit(self) -> None:
        """Bound what the tree has come to hold: call it every few megabytes.

        Raises:
            FileTooLarge: the file uses more distinct names than allowed; they are never forgotten.
        """
        limits = self.file.limits
        top = self.root if self.plan is None else self.plan.element
        if top is None:
            return
        size = _weigh(top, self.file.names)
        if len(self.file.names) > limits.max_tag_names:
            raise FileTooLarge(f"the file uses more than {limits.max_tag_names} distinct names")
        if size > limits.max_attributes_bytes:
            if self.plan is not None and not self.plan.given_up:
                self.plan.give_up(f"one of its records is over {limits.max_attributes_bytes} bytes")
            _prune(top)

    def _start_project(self, element: Element) -> None:
        most = self.file.limits.max_projects
        line = line_of(element)  # while the text before it is there
        if self.complete == most:
            raise FileTooLarge(f"the file has more than {most} projects", line=line)
        self._sweep(element)
        self.plan = self._dialect.plan(self.file, element, self.complete, line)

    def _take_of(self, element: Element, plan: Plan) -> _Take | None:
        """What takes an element of the project, if it is a record: by its name and its holder."""
        parent = element.getparent()
        if parent is not self._holder:
            if parent is not plan.element and (
                parent is None or parent.getparent() is not plan.element
            ):
                return None
            self._holder = parent
            self._held = self._records.get(None if parent is plan.element else parent.tag, {})
        return self._held.get(element.tag)

    def _end_record(self, element: Element, plan: Plan, take: _Take) -> None:
        self._advance(element)
        if not plan.given_up:
            try:
                take(plan, element)
            except TooLarge as error:
                plan.give_up(str(error))

    def _end_project(self, plan: Plan) -> None:
        self._advance(plan.element)
        plan.finish()
        self.plan = self._holder = None
        self.complete += 1

    def _advance(self, element: Element) -> None:
        """Remove the record before this one, which will go when the next one ends."""
        self._drop()
        self._previous = element

    def _end_skipped(self, element: Element, skipped: Element) -> None:
        if element is skipped:
            self._skipped = None
            self._advance(element)
            self._passed_over[element.tag](self.file, element)
            return
        parent = element.getparent()
        while parent is not None and (before := element.getprevious()) is not None:
            parent.remove(before)

    def _drop(self) -> None:
        """Remove the record before this one; the text behind it goes with it."""
        previous, self._previous = self._previous, None
        parent = None if previous is None else previous.getparent()
        if previous is not None and parent is not None:
            tail = previous.tail
            if tail is not None and tail.strip(BLANK):
                self._stray_text(previous, parent, tail)
            parent.remove(previous)

    def _stray_text(self, element: Element, parent: Element, text: str) -> None:
        if self.plan is None or parent is self.root:
            self.strays += 1
        else:
            self.plan.stray_text(element, parent, text)

    def _sweep(self, element: Element) -> None:
        """Remove all that stands before a project: nothing of it is read any more."""
        self._drop()
        node: Element | None = element
        while node is not None:
            parent = node.getparent()
            before = node.getprevious()
            while parent is not None and before is not None:
                if len(before) or before.text or not self._dialect.anywhere:  # no emptied wrapper
                    self.strays += 1
                parent.remove(before)
                before = node.getprevious()
            node = parent

    def _count_strays(self, root: Element) -> None:
        if (root.text or "").strip(BLANK):
            self.strays += 1
        for child in root:
            if child is not self._previous or (child.tail or "").strip(BLANK):
                self.strays += 1


def _weigh(top: Element, names: Names) -> int:
    """About how many bytes an element holds; its names are made known."""
    size = 0
    for element in top.iter():
        names[element.tag]
        size += _NODE + len(element.text or "") + len(element.tail or "")
        for name, text in element.items():
            names[name]
            size += _NODE + len(text)
    return size


def _prune(top: Element) -> None:
    """Remove all inside an element that is closed already; what is open is last everywhere."""
    node = top
    while children := list(node):
        for child in children[:-1]:
            node.remove(child)
        node = children[-1]
