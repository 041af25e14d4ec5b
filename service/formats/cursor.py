"""Follows a file: which element is a project, which a record in or outside of it, and what may go.

The parser tells of projects alone. Their records are taken out of the tree when a project ends and,
before that, whenever the parser wants more bytes, so that no project becomes one huge tree.

Inside an element that is still open the last child is never taken and never removed: it may be open
itself, and the parser still writes behind it.
"""

from typing import Final

from service.errors import FileTooLarge
from service.formats.element import Element
from service.formats.engine import collectors
from service.formats.engine.record_collector import prune, records_of
from service.formats.file_context import FileContext
from service.formats.format import Format
from service.formats.json_attributes import TagKeys
from service.formats.project_builder import ProjectBuilder
from service.formats.source_line import line_of
from service.formats.values import BLANK

_NODE: Final = 40
"""What an element, an attribute or a text counts beside its length, where the size of a record in
the tree is bounded: about its markup in the file, and a third of what it takes in the tree."""


class Cursor:
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

    def __init__(self, dialect: Format, file: FileContext, root: str) -> None:
        tag = f"{{{file.namespace}}}%s" if file.namespace else "%s"
        self._dialect = dialect
        self.file = file
        self._project = tag % dialect.project
        outside = {**dialect.outside, **dialect.passed_over}
        self._outside = {tag % name: take for name, take in outside.items()}
        self._passed_over = {tag % name for name in dialect.passed_over}
        self._harvest = collectors.collector_for(file, dialect, records_of(dialect, tag))
        self.tags = list({root: None, self._project: None})
        self.plan: ProjectBuilder | None = None
        self.complete = 0
        self.closed = False
        self.strays = 0
        self.root: Element | None = None
        self._finished: Element | None = None

    def start(self, element: Element) -> None:
        """A project or the root was begun.

        Raises:
            FileTooLarge: one project more than the file may hold.
        """
        if self.plan is not None:
            return
        parent = element.getparent()
        if parent is None:
            self.root = element
        if element.tag == self._project and (
            self._dialect.anywhere or (parent is not None and parent is self.root)
        ):
            self._start_project(element)

    def end(self, element: Element) -> None:
        """A project or the root was closed."""
        plan = self.plan
        if plan is not None and element is plan.element:
            self._harvest(plan, closed=True)
            plan.finish()
            self.plan, self._finished = None, element
            self.complete += 1
        if element is self.root:
            self.closed = True
            if element is not self._finished:
                self._drop_finished()
                self._take_outside(element[:])
                self._count_stray_text(element.text)

    def gather(self) -> None:
        """Take what is complete out of the tree: call it when all events were taken."""
        root = self.root
        if self.plan is not None:
            self._harvest(self.plan, closed=False)
        elif root is not None and not self._dialect.anywhere and len(root):
            self._take_outside(root[:-1])
            if root[-1].tag in self._passed_over:
                prune(root[-1])

    def audit(self) -> None:
        """Bound what the tree has come to hold: call it every few megabytes.

        Raises:
            FileTooLarge: the file uses more distinct names than allowed; they are never forgotten.
        """
        limits = self.file.limits
        top = self._top
        if top is None:
            return
        size = _weigh(top, self.file.names)
        if len(self.file.names) > limits.max_tag_names:
            said = f"the file uses more than {limits.max_tag_names} distinct names"
            raise FileTooLarge(said, line=self.line)
        if size > limits.max_attributes_bytes:
            if self.plan is not None and not self.plan.given_up:
                self.plan.give_up(f"one of its records is over {limits.max_attributes_bytes} bytes")
            prune(top)

    @property
    def line(self) -> int | None:
        """About where the file is read: the line of the last element, or None without one."""
        last = self._top
        while last is not None and len(last):
            last = last[-1]
        return None if last is None else line_of(last)

    @property
    def _top(self) -> Element | None:
        return self.root if self.plan is None else self.plan.element

    def close(self) -> None:
        """Give back memory and disk."""
        if self.plan is not None:
            self.plan.close()
            self.plan = None
        self.file.close()

    def _start_project(self, element: Element) -> None:
        most = self.file.limits.max_projects
        line = line_of(element)  # while the text before it is there
        if self.complete == most:
            raise FileTooLarge(f"the file has more than {most} projects", line=line)
        self._drop_finished()
        self._sweep(element)
        self.plan = self._dialect.plan(self.file, element, self.complete, line)

    def _take_outside(self, elements: list[Element]) -> None:
        """Take records outside the projects, and count what is none; all are removed."""
        for element in elements:
            if (take := self._outside.get(element.tag)) is not None:
                take(self.file, element)
            elif element is not self._finished and not self._is_emptied(element):
                self.strays += 1
            self._drop(element)

    def _is_emptied(self, element: Element) -> bool:
        """Whether an element may be what held projects."""
        return self._dialect.anywhere and not len(element) and not (element.text or "").strip(BLANK)

    def _drop_finished(self) -> None:
        """Remove the project before this one; it stays until then, as the last in its parent."""
        finished, self._finished = self._finished, None
        if finished is not None:
            self._drop(finished)

    def _sweep(self, element: Element) -> None:
        """Take or count all that stands before a project: nothing of it is read any more."""
        node: Element | None = element
        while node is not None:
            if node.getprevious() is not None:
                self._take_outside([*node.itersiblings(preceding=True)][::-1])
            node = node.getparent()

    def _drop(self, element: Element) -> None:
        """Remove an element, and the text behind it, which nobody reads."""
        parent = element.getparent()
        self._count_stray_text(element.tail)
        element.clear()  # lxml takes quadratic time to remove what has much inside
        if parent is not None:
            parent.remove(element)

    def _count_stray_text(self, text: str | None) -> None:
        if text is not None and text.strip(BLANK):
            self.strays += 1


def _weigh(top: Element, names: TagKeys) -> int:
    """About how many bytes an element holds; its names are made known."""
    size = 0
    for element in top.iter():
        names[element.tag]
        for text in (element.text, element.tail):
            if text:
                size += _NODE + len(text)
        size += _NODE
        for name, text in element.items():
            names[name]
            size += _NODE + len(text)
    return size
