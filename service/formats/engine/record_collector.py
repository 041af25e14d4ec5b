"""Takes the records of a project out of its tree, in the order of the file.

The collector of the compiled engine handles common records, and calls ``take_record`` and
``take_nested_record`` for all others.
"""

from collections.abc import Callable, Mapping
from typing import Final

from service.formats.element import Element
from service.formats.engine.rule_interpreter import interpreter, nested_interpreter
from service.formats.file_context import FileContext
from service.formats.project_builder import ProjectBuilder
from service.formats.project_content import TooLarge
from service.formats.record_rules import NestedRule, RecordRule
from service.formats.values import BLANK

NODE_SIZE: Final = 64
"""Bytes counted for an element, an XML attribute or a text, in addition to its length: about half
of its size in the tree."""

_PRUNED: Final = 4096
"""Elements removed in one step."""

RulesByTag = Mapping[str, RecordRule]
RulesByPath = Mapping[str, RecordRule]


def rules_by_tag(
    file: FileContext, records: RulesByPath
) -> dict[str | None, dict[str, RecordRule]]:
    """Return the rules of a project's records, by the tag of their parent and their own tag.

    The key None is for records whose parent is the project.
    """
    rules: dict[str | None, dict[str, RecordRule]] = {}
    for path, rule in records.items():
        holder, _, name = path.rpartition("/")
        rules.setdefault(file.tag % holder if holder else None, {})[file.tag % name] = rule
    return rules


class PythonRecordCollector:
    """The collector of one file's records; call it with a project.

    It remembers where it ended: children that stay in the tree are passed once.

    Args:
        file: the file.
    """

    def __init__(self, file: FileContext) -> None:
        self._file = file
        self._rules: dict[int, dict[str | None, dict[str, RecordRule]]] = {}
        self._child: Element | None = None
        self._record: Element | None = None

    def __call__(self, builder: ProjectBuilder, *, closed: bool) -> None:
        """Take every complete record of a project, and remove it from the tree.

        Args:
            builder: takes the records. It is abandoned if a record is too large.
            closed: whether the project has ended. The last child of an open element stays.
        """
        rules_of = self._rules.get(id(builder.records))
        if rules_of is None:
            rules_of = rules_by_tag(self._file, builder.records)
            self._rules[id(builder.records)] = rules_of
        own = rules_of.get(None, {})
        child = _continue(builder.element, self._child)
        self._child = None
        while child is not None:
            following = child.getnext()
            complete = closed or following is not None
            if (rules := rules_of.get(child.tag)) is not None:
                self._take_held(builder, child, rules, closed=complete)
            elif complete and (rule := own.get(child.tag)) is not None:
                _take(builder, builder.element, child, rule)
            if not complete:
                self._child = child
            child = following

    def open_size(self) -> int:
        """Return 0: all records are in the tree."""
        return 0

    def drop_open(self) -> None:
        """Do nothing: all records are in the tree."""

    def line_of_last(self, _project: Element, /) -> int | None:
        """Return None: all records are in the tree."""
        return None

    def _take_held(
        self, builder: ProjectBuilder, holder: Element, rules: RulesByTag, *, closed: bool
    ) -> None:
        element = _continue(holder, self._record)
        self._record = None
        while element is not None:
            following = element.getnext()
            if following is None and not closed:
                self._record = element
            elif (rule := rules.get(element.tag)) is not None:
                _take(builder, holder, element, rule)
            element = following


def _continue(parent: Element, place: Element | None) -> Element | None:
    """Return the child at which a walk ended before, or the first child."""
    if place is not None and place.getparent() is parent:
        return place
    return next(iter(parent), None)


def _take(builder: ProjectBuilder, parent: Element, element: Element, rule: RecordRule) -> None:
    take_record(builder, parent, element, rule)
    element.clear()  # lxml takes quadratic time to remove an element with many children
    parent.remove(element)


def take_record(
    builder: ProjectBuilder, parent: Element, element: Element, rule: RecordRule
) -> None:
    """Take a record and the text after it, unless the project is abandoned."""
    if builder.abandoned:
        return
    try:
        interpreter(rule).take(builder, element)
        tail = element.tail
        if tail is not None and tail.strip(BLANK):
            builder.add_stray_text(element, parent, tail)
    except TooLarge as error:
        builder.abandon(str(error))
    builder.file.give_way()


def take_nested_record(
    builder: ProjectBuilder, element: Element, owner: bytes, nesting: NestedRule
) -> None:
    """Take a record inside another with the id ``owner``, unless the project is abandoned."""
    if builder.abandoned:
        return
    try:
        nested_interpreter(nesting).take(builder, element, owner)
    except TooLarge as error:
        builder.abandon(str(error))


def prune(top: Element, give_way: Callable[[], None]) -> None:
    """Remove everything complete inside an element; an open element is always the last child."""
    while count := len(top):
        while count > 1:
            del top[: min(count - 1, _PRUNED)]
            count -= min(count - 1, _PRUNED)
            give_way()
        top = top[0]


def size_of(top: Element, limit: int) -> int:
    """Return the approximate size of an element in bytes; the walk ends once it is over a limit."""
    size = 0
    for element in top.iter():
        size += NODE_SIZE
        for text in (element.text, element.tail, *element.values()):
            if text:
                size += NODE_SIZE + len(text.encode())
        if size > limit:
            break
    return size
