"""Follows a file: which element is a project, which a record, and what can be removed.

The parser reports projects alone. Their records leave the tree when a project ends and, before
that, whenever the parser needs more bytes, so that no project becomes one huge tree.

Inside an open element the last child is neither taken nor removed: it may be open itself, and the
parser appends to it.
"""

from typing import Final

from service.errors import FileTooLarge
from service.formats.element import Element, line_of
from service.formats.engine.record_collector import prune
from service.formats.file_context import FileContext
from service.formats.json_attributes import TagKeys
from service.formats.project_builder import ProjectBuilder
from service.formats.values import BLANK
from service.model import Item

_NODE_SIZE: Final = 40
"""Bytes counted for an element, an XML attribute or a text beside its length: about its markup in
the file, and a third of what it takes in the tree."""


class Cursor:
    """The state of reading one file.

    Args:
        file: what its projects share.
        root: the root's tag.

    Attributes:
        tags: of the elements whose events are wanted.
        builder: of the project that is open, or None.
        complete: projects closed so far.
        closed: whether the root was closed.
        strays: elements and texts outside the projects that are not read.
    """

    def __init__(self, file: FileContext, root: str) -> None:
        tag = file.tag
        self.file = file
        self._format = file.format
        self._project = tag % file.format.project.name
        outside = {**file.format.outside, **file.format.passed_over}
        self._outside = {tag % name: take for name, take in outside.items()}
        self._passed_over = {tag % name for name in file.format.passed_over}
        self._collect = file.engine.record_collector(file)
        self.tags = list({root: None, self._project: None})
        self.builder: ProjectBuilder | None = None
        self.complete = 0
        self.closed = False
        self.strays = 0
        self.root: Element | None = None
        self._finished: Element | None = None

    def start(self, element: Element) -> None:
        """Handle the start of a project or of the root.

        Raises:
            FileTooLarge: one project more than the file may have.
        """
        if self.builder is not None:
            return
        parent = element.getparent()
        if parent is None:
            self.root = element
        if element.tag == self._project and (
            self._format.anywhere or (parent is not None and parent is self.root)
        ):
            self._start_project(element)

    def end(self, element: Element) -> list[Item]:
        """Handle the end of a project or of the root, and return what the project becomes."""
        items: list[Item] = []
        builder = self.builder
        if builder is not None and element is builder.element:
            self._collect(builder, closed=True)
            items = builder.finish()
            self.builder, self._finished = None, element
            self.complete += 1
        if element is self.root:
            self.closed = True
            if element is not self._finished:
                self._remove_finished()
                self._take_outside(element[:])
                self._count_stray_text(element.text)
        return items

    def collect(self) -> None:
        """Take complete records out of the tree. Call it when all events were taken."""
        root = self.root
        if self.builder is not None:
            self._collect(self.builder, closed=False)
        elif root is not None and not self._format.anywhere and len(root):
            self._take_outside(root[:-1])
            if root[-1].tag in self._passed_over:
                prune(root[-1])

    def check_size(self) -> None:
        """Bound the size of the tree. Call it every few megabytes.

        Raises:
            FileTooLarge: the file has more distinct names than allowed; the parser keeps them all.
        """
        limits = self.file.limits
        top = self._top
        if top is None:
            return
        size = _size_of(top, self.file.keys)
        if len(self.file.keys) > limits.max_tag_names:
            message = f"the file uses more than {limits.max_tag_names} distinct names"
            raise FileTooLarge(message, line=self.line)
        if size > limits.max_attributes_bytes:
            if self.builder is not None and not self.builder.abandoned:
                limit = limits.max_attributes_bytes
                self.builder.abandon(f"one of its records is over {limit} bytes")
            prune(top)

    @property
    def line(self) -> int | None:
        """About the line that is read: that of the last element, or None without one."""
        last = self._top
        while last is not None and len(last):
            last = last[-1]
        return None if last is None else line_of(last)

    @property
    def _top(self) -> Element | None:
        return self.root if self.builder is None else self.builder.element

    def close(self) -> None:
        """Free memory and disk."""
        if self.builder is not None:
            self.builder.close()
            self.builder = None
        self.file.close()

    def _start_project(self, element: Element) -> None:
        limit = self.file.limits.max_projects
        line = line_of(element)  # before the text that it is computed from is removed
        if self.complete == limit:
            raise FileTooLarge(f"the file has more than {limit} projects", line=line)
        self._remove_finished()
        self._take_all_before(element)
        make_builder = self._format.builder or ProjectBuilder
        self.builder = make_builder(self.file, element, self.complete, line)

    def _take_outside(self, elements: list[Element]) -> None:
        """Take records outside the projects, count everything else, and remove all of it."""
        for element in elements:
            if (take := self._outside.get(element.tag)) is not None:
                take(self.file, element)
            elif element is not self._finished and not self._may_have_held_projects(element):
                self.strays += 1
            self._remove(element)

    def _may_have_held_projects(self, element: Element) -> bool:
        return self._format.anywhere and not len(element) and not (element.text or "").strip(BLANK)

    def _remove_finished(self) -> None:
        """Remove the previous project, which stays in the tree while it is the last child."""
        finished, self._finished = self._finished, None
        if finished is not None:
            self._remove(finished)

    def _take_all_before(self, element: Element) -> None:
        """Take or count all that is before a project, at every level above it."""
        node: Element | None = element
        while node is not None:
            if node.getprevious() is not None:
                self._take_outside([*node.itersiblings(preceding=True)][::-1])
            node = node.getparent()

    def _remove(self, element: Element) -> None:
        """Remove an element and the text after it."""
        parent = element.getparent()
        self._count_stray_text(element.tail)
        element.clear()  # lxml takes quadratic time to remove an element with many children
        if parent is not None:
            parent.remove(element)

    def _count_stray_text(self, text: str | None) -> None:
        if text is not None and text.strip(BLANK):
            self.strays += 1


def _size_of(top: Element, keys: TagKeys) -> int:
    """Return about how many bytes an element holds, and make its names known."""
    size = 0
    for element in top.iter():
        keys[element.tag]
        for text in (element.text, element.tail):
            if text:
                size += _NODE_SIZE + len(text)
        size += _NODE_SIZE
        for name, text in element.items():
            keys[name]
            size += _NODE_SIZE + len(text)
    return size
