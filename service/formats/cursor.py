"""Follows the parser through a file: finds projects and records, and removes what was read.

The parser reports only projects. The collector takes their records when the parser needs more bytes
and when a project ends, so that no project becomes one huge tree.

The last child of an open element stays in the tree: it may be open too, and the parser may still
append to it.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

from service.errors import FileTooLarge
from service.formats.element import Element, line_of
from service.formats.engine.parser_errors import Place
from service.formats.engine.record_collector import prune
from service.formats.file_context import FileContext
from service.formats.format import Format
from service.formats.json_attributes import STEP
from service.formats.project_builder import ProjectBuilder
from service.formats.values import BLANK
from service.model import Item, shorten


class _OuterTags:
    """The tags of the elements of a format outside its records.

    Args:
        file_format: the format.
        namespace: of its elements; empty for none.
        project: the tag of a project.

    Attributes:
        companions: tags of elements that belong to a project, but are read as one is.
        builders: by tag of a project or a companion, what creates its builder.
        taken: by tag, the method of the context that takes an element.
        passed_over: tags of elements that are not read.
    """

    def __init__(self, file_format: Format, namespace: str, project: str) -> None:
        tag = f"{{{namespace}}}%s" if namespace else "%s"
        companions = {tag % name: make for name, make in file_format.companions.items()}
        outside = {**file_format.outside, **file_format.passed_over}
        self.companions = frozenset(companions)
        self.builders = {project: file_format.builder or ProjectBuilder, **companions}
        self.taken = {tag % name: take for name, take in outside.items()}
        self.passed_over = frozenset(tag % name for name in file_format.passed_over)


@lru_cache(maxsize=64)
def _outer_tags(file_format: Format, namespace: str, project: str) -> _OuterTags:
    """Return the tags, which the files of an upload mostly share."""
    return _OuterTags(file_format, namespace, project)


class Cursor:
    """The state of reading one file.

    Args:
        file: the data that its projects share.
        root: the root's tag.

    Attributes:
        tags: of the elements whose events the parser reports: of the root, then of projects.
        collector: takes the records of projects.
        builder: of the open project or companion, or None.
        complete: number of projects that have ended.
        closed: whether the root has ended.
        strays: number of elements and texts outside the projects that are not read.
    """

    def __init__(self, file: FileContext, root: str) -> None:
        self.file = file
        self._format = file.format
        project = root if file.format.is_root else file.tag % file.format.project.name
        self._outer = _outer_tags(file.format, file.namespace, project)
        self.collector = file.engine.record_collector(file)
        self.tags = list(dict.fromkeys((root, *self._outer.builders)))
        self.builder: ProjectBuilder | None = None
        self.complete = 0
        self.closed = False
        self.strays = 0
        self.root: Element | None = None
        self._finished: Element | None = None
        self._marked_strays = 0

    def start(self, element: Element) -> None:
        """Handle the start of a project or of the root.

        Raises:
            FileTooLarge: the file has more projects than allowed.
        """
        if self.builder is not None:
            return
        parent = element.getparent()
        if parent is None:
            self.root = element
        if element.tag in self._outer.builders and (
            self._format.anywhere or (parent is not None and parent is self.root)
        ):
            self._start_project(element)

    def end(self, element: Element) -> Iterable[Item]:
        """Handle the end of a project or of the root, and return the items that are complete."""
        items: Iterable[Item] = ()
        builder = self.builder
        if builder is not None and element is builder.element:
            self.collector(builder, closed=True)
            self.file.give_way()
            items = builder.finish()
            self.builder, self._finished = None, element
            self.complete += builder.is_project
        if element is self.root:
            self.closed = True
            if element is not self._finished:
                self._remove_finished()
                self._take_outside(element, None)
                self._count_stray_text(element.text)
            items = chain(items, self.file.release())
        return items

    def collect(self) -> None:
        """Take complete records. Call it after all events were handled."""
        root = self.root
        if self.builder is not None:
            self.collector(self.builder, closed=False)
        elif root is not None and not self._format.anywhere:
            last = next(reversed(root), None)
            self._take_outside(root, last)
            if last is not None and last.tag in self._outer.passed_over:
                prune(last, self.file.give_way)

    def rewind(self) -> None:
        """Return to the counts at the last start of a project.

        After a limit of the file, the counts then do not depend on where the reading pauses.
        """
        self.strays = self._marked_strays
        self.file.rewind()

    def check_size(self) -> None:
        """Check the size of the tree, and abandon a project with a record that is too large.

        Call it every few megabytes.
        """
        limit = self.file.limits.max_attributes_bytes
        top = self._top
        if top is None:
            return
        size = self.file.engine.size_of(top, limit)
        if self.builder is not None:
            size += self.collector.open_size()
        if size > limit:
            if self.builder is not None and not self.builder.abandoned:
                self.builder.abandon(f"one of its records is over {limit} bytes")
            prune(top, self.file.give_way)
            self.collector.drop_open()

    @property
    def line(self) -> int | None:
        """The approximate current line: that of the last element, or None if there is none."""
        if self.builder is not None:
            line = self.collector.line_of_last(self.builder.element)
            if line is not None:
                return line
        last = self._top
        while last is not None and len(last):
            last = last[-1]
        return None if last is None else line_of(last)

    def describe_place(self) -> Place:
        """Return where the file breaks off, by the project or the record that is or was open."""
        if self.builder is not None:
            external_id, name = self.builder.identity()
            label = shorten(external_id or name) or f"number {self.complete + 1}"
            kind = "project" if self.builder.is_project else "the baseline"
            return Place(f"in the middle of {kind} {label}", f" in {kind} {label}")
        where = "before the first project"
        if self.complete:
            where = f"after {self.complete} project{'s' if self.complete > 1 else ''}"
        last = None if self.root is None else next(reversed(self.root), None)
        if self._format.anywhere or last is None or last is self._finished:
            return Place(f"too early, {where}", f" {where}")
        name = shorten(self.file.keys[last.tag])
        return Place(f"in or after {name}, {where}", f" in or after {name}, {where}")

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
        make_builder = self._outer.builders[element.tag]
        is_project = element.tag not in self._outer.companions
        if is_project and self.complete == limit:
            raise FileTooLarge(f"the file has more than {limit} projects", line=line)
        self._remove_finished()
        self._take_all_before(element)
        if is_project:
            self.file.mark()
            self._marked_strays = self.strays
        self.builder = make_builder(self.file, element, self.complete, line)

    def _take_outside(self, parent: Element, end: Element | None) -> None:
        """Take records outside the projects, count all other elements, and remove them all.

        Args:
            parent: of the elements.
            end: the first child that stays, or None.
        """
        count = 0
        element = next(iter(parent), None)
        while element is not None and element is not end:
            following = element.getnext()
            if (take := self._outer.taken.get(element.tag)) is not None:
                take(self.file, element)
            elif element is not self._finished and not self._may_have_held_projects(element):
                self.strays += 1
            self._remove(element)
            element = following
            count += 1
            if count % STEP == 0:
                self.file.give_way()

    def _may_have_held_projects(self, element: Element) -> bool:
        return self._format.anywhere and not len(element) and not (element.text or "").strip(BLANK)

    def _remove_finished(self) -> None:
        """Remove the previous project, which had to stay while it was the last child."""
        finished, self._finished = self._finished, None
        if finished is not None:
            self._remove(finished)

    def _take_all_before(self, element: Element) -> None:
        """Take or count everything before a project, at every level above it."""
        node = element
        while (parent := node.getparent()) is not None:
            if node.getprevious() is not None:
                self._take_outside(parent, node)
            node = parent

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
