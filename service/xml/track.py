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
        self._records: dict[tuple[str | None, str], _Take] = {}
        for path, take in dialect.records.items():
            holder, _, name = path.rpartition("/")
            self._records[tag % holder if holder else None, tag % name] = take
        names = {name for _, name in self._records}
        names |= {self._project, *self._outside, *self._passed_over}
        self.tags = [root, *(names - {root})]
        self.plan: Plan | None = None
        self.complete = 0
        self.closed = False
        self.strays = 0
        self.root: Element | None = None
        self._open: Element | None = None
        self._skipped: Element | None = None
        self._take: _Take | None = None
        self._holder: Element | None = None
        self._previous: Element | None = None

    def start(self, element: Element) -> None:
        """An element was begun.

        Raises:
            FileTooLarge: one project more than the file may hold.
        """
        if self._open is not None or self._skipped is not None:
            return
        parent = element.getparent()
        if self.plan is not None:
            self._start_record(self.plan, element, parent)
        elif element.tag == self._project and (
            self._dialect.anywhere or (parent is not None and parent is self.root)
        ):
            self._start_project(element)
        elif parent is not None and parent is self.root:
            if element.tag in self._passed_over:
                self._skipped = element
            self._take = self._outside.get(element.tag)
            self._open = None if self._take is None else element
        if parent is None:
            self.root = element

    def end(self, element: Element) -> None:
        """An element was closed."""
        if element is self._open:
            self._end_record(element)
        elif self._skipped is not None:
            self._end_skipped(element, self._skipped)
        elif self.plan is not None and element is self.plan.element:
            self._drop()
            self.plan.finish()
            self.plan = self._holder = None
            self.complete += 1
            self._previous = element
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

    def _start_record(self, plan: Plan, element: Element, parent: Element | None) -> None:
        holder = None
        if parent is not plan.element:
            if parent is None:
                return
            if parent is not self._holder:
                if parent.getparent() is not plan.element:
                    return
                self._holder = parent
            holder = parent.tag
        self._take = self._records.get((holder, element.tag))
        self._open = None if self._take is None else element

    def _end_record(self, element: Element) -> None:
        self._open = None
        self._drop()
        self._previous = element
        assert self._take is not None
        plan = self.plan
        if plan is None:
            self._take(self.file, element)
        elif not plan.given_up:
            try:
                self._take(plan, element)
            except TooLarge as error:
                plan.give_up(str(error))

    def _end_skipped(self, element: Element, skipped: Element) -> None:
        if element is skipped:
            self._skipped = None
            self._drop()
            self._previous = element
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
