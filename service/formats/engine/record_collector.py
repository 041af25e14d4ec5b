"""Takes the records of a project out of its tree, in the order of the file.

The collector of the compiled engine handles common records, and calls ``take_record`` and
``take_nested_record`` for all others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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

RulesByPath = Mapping[str, RecordRule]


@dataclass(slots=True)
class Places:
    """The uses of the children of a project, or of an element that holds records.

    Attributes:
        rules: the rules of records, by tag.
        holders: the children that hold records, by tag.
    """

    rules: dict[str, RecordRule] = field(default_factory=dict)
    holders: "dict[str, Places]" = field(default_factory=dict)


def split_path(path: str) -> tuple[list[str], str]:
    """Return the names of the elements that hold a record, from outer to inner, and its own."""
    *holders, name = path.split("/")
    return holders, name


def places_of(file: FileContext, records: RulesByPath) -> Places:
    """Return the uses of a project's children, from the rules by path."""
    top = Places()
    for path, rule in records.items():
        places = top
        holders, name = split_path(path)
        for holder in holders:
            places = places.holders.setdefault(file.tag % holder, Places())
        places.rules[file.tag % name] = rule
    return top


class PythonRecordCollector:
    """The collector of one file's records; call it with a project.

    It remembers where it ended: children that stay in the tree are passed once.

    Args:
        file: the file.
    """

    def __init__(self, file: FileContext) -> None:
        self._file = file
        self._places: dict[int, Places] = {}
        self._open: list[Element] = []

    def __call__(self, builder: ProjectBuilder, *, closed: bool) -> None:
        """Take every complete record of a project, and remove it from the tree.

        Args:
            builder: takes the records. It is abandoned if a record is too large.
            closed: whether the project has ended. The last child of an open element stays.
        """
        places = self._places.get(id(builder.records))
        if places is None:
            places = self._places[id(builder.records)] = places_of(self._file, builder.records)
        open_before, self._open = self._open, []
        self._take_held(builder, builder.element, places, open_before, closed=closed)

    def open_size(self) -> int:
        """Return 0: all records are in the tree."""
        return 0

    def drop_open(self) -> None:
        """Do nothing: all records are in the tree."""

    def line_of_last(self, _project: Element, /) -> int | None:
        """Return None: all records are in the tree."""
        return None

    def _take_held(
        self,
        builder: ProjectBuilder,
        holder: Element,
        places: Places,
        open_before: list[Element],
        *,
        closed: bool,
    ) -> None:
        """Take the complete records of a project or of a holder.

        Args:
            open_before: the open children, from outer to inner, at which the last walk ended.
            closed: whether the holder has ended.
        """
        element = next(iter(holder), None)
        if open_before and open_before[0].getparent() is holder:
            element = open_before[0]
        while element is not None:
            following = element.getnext()
            complete = closed or following is not None
            if not complete:
                self._open.append(element)
            if (held := places.holders.get(element.tag)) is not None:
                self._take_held(builder, element, held, open_before[1:], closed=complete)
            elif complete and (rule := places.rules.get(element.tag)) is not None:
                _take(builder, holder, element, rule)
            element = following


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
