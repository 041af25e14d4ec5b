"""A first draft of a format file, written from the structure of an example."""

import json
import re
from collections.abc import Iterator
from typing import Final

from service.control_characters import escape_json, make_visible
from service.formats.encoding import ByteSource
from service.formats.guess.columns import Choice, choose_columns
from service.formats.guess.records import Plan, Record, find_plan
from service.formats.guess.sources import Source
from service.formats.guess.structure import Node, read_structure
from service.formats.guess.vocabulary import has_role, words
from service.formats.registry import FORMATS, MIXED
from service.tables import Table

_SECTIONS: Final = {
    Table.TASKS: "tasks",
    Table.DEPENDENCIES: "dependencies",
    Table.RESOURCES: "resources",
    Table.ASSIGNMENTS: "assignments",
}
_REQUIRED: Final = {
    Table.TASKS: frozenset({"task_id"}),
    Table.DEPENDENCIES: frozenset({"predecessor_id", "successor_id"}),
    Table.RESOURCES: frozenset({"resource_id"}),
    Table.ASSIGNMENTS: frozenset({"task_id"}),
}
_TAKEN: Final = frozenset((MIXED, *(each.name for each in FORMATS)))
_ORDERED: Final = re.compile("[Pp](?=re)|[Ss](?=ucc)")
"""Matches the name of a link that says which of its tasks comes first."""
_MAX_LISTED: Final = 30
"""Elements that a comment lists."""
_COMMENT_AT: Final = 44
_SHOWN: Final = 40
"""Characters of an example."""


def draft_format(source: ByteSource, name: str = "") -> "Draft | None":
    """Draft a format file; None if nothing in the example looks like a task.

    Args:
        source: the example's XML, from its first byte; exceptions of its ``read`` pass through.
        name: of the format; by default that of the root element. Characters that are not allowed
            are replaced.

    Raises:
        FileRefused: the example is not well-formed XML, or a reader would refuse its first bytes.
        FileTooLarge: it has too many different names, or one that is too long.
    """
    root = read_structure(source)
    plan = find_plan(root)
    if plan is None:
        return None
    return Draft(root, plan, name or root.name)


class Draft:
    """A draft of a format file.

    Args:
        root: of the file's structure.
        plan: the file's records.
        name: of the format.

    Attributes:
        swapped: whether links name the predecessor where their names do not say so.
    """

    def __init__(self, root: Node, plan: Plan, name: str) -> None:
        self._root = root
        self._plan = plan
        self._name = name
        self._days = False
        self._comma = False
        self.swapped = False

    def write(self) -> str:
        """Return the draft as TOML."""
        return "\n".join(self._lines()) + "\n"

    @property
    def doubts_links(self) -> bool:
        """Whether a link's name does not say which of its tasks comes first."""
        return any(
            each.table is Table.DEPENDENCIES
            and each.outer is not None
            and not _ORDERED.search(each.node.name)
            for each in self._plan.records
        )

    def _lines(self) -> Iterator[str]:
        unusable: list[Node] = []
        body = [*self._project(), *self._records(unusable)]
        yield "# A draft: check every line, and run `bulk-import format check` on it."
        yield f"name = {_text(_format_name(self._name))}"
        yield f"root = {_text(self._root.name)}"
        inner = self._plan.records[0].node.namespace
        if inner != self._root.namespace:
            yield f"root_namespace = {_text(self._root.namespace)}"
            yield _aligned(f"namespace = {_text(inner)}", "of the other elements")
        else:
            yield f"namespace = {_text(inner)}"
        if self._days:
            yield _aligned("hours_per_day = 8", "working hours of a day, a guess")
        if self._comma:
            doubt = "CHECK: the comma is taken as the decimal separator, not as a mark of thousands"
            yield _aligned('decimal = ","', doubt)
        if changing := self._changing():
            yield _aligned(
                f"volatile = {json.dumps(changing, ensure_ascii=False)}",
                "no change of the plan, a guess",
            )
        yield from body
        yield from self._others(unusable)

    def _project(self) -> Iterator[str]:
        project = self._plan.project
        yield ""
        yield "[project]"
        yield f"element = {_text(project.node.name)}"
        choices = {choice.column: choice for choice in choose_columns(project)}
        used = {choice.source.path for choice in choices.values()}
        usable = [each for each in project.sources if each.values.count and each.path not in used]
        if choices.keys().isdisjoint({"name", "external_id"}):
            usable = usable or [each.source for each in choices.values()][:1]
            choices = {key: each for key, each in choices.items() if each.source not in usable}
        if usable and choices.keys().isdisjoint({"name", "external_id"}):
            doubt = "no element looks like the project's name"
            choices["name"] = Choice("name", usable[0], doubt=doubt)
        if "external_id" not in choices:
            yield _aligned('identity = "name"', "no element looks like the project's id")
        fixed = {} if choices else {"name": '"CHECK" # nothing identifies the project'}
        yield from self._columns("project", project, [*choices.values()], fixed)

    def _records(self, unusable: list[Node]) -> Iterator[str]:
        """Yield the sections of the records; add those that lack a column to ``unusable``."""
        for record in self._plan.records:
            assert record.table is not None
            choices = choose_columns(record)
            fixed = self._fixed_columns(record, choices)
            missing = _REQUIRED[record.table].difference(fixed, (each.column for each in choices))
            if missing:
                unusable.append(record.node)
                continue
            section = _SECTIONS[record.table]
            yield ""
            yield f"[[{section}]]"
            path = _text(record.node.path_from(self._plan.project.node))
            yield _aligned(f"element = {path}", f"{record.node.count} in the example")
            if record.table is Table.TASKS and record.node.nested:
                yield f"children = {_text(_children(record.node))}"
            yield from self._columns(section, record, choices, fixed)

    def _fixed_columns(self, record: Record, choices: list[Choice]) -> dict[str, str]:
        """Return the columns that no source fills, as TOML; drop the choices they replace."""
        names = {choice.column for choice in choices}
        fixed: dict[str, str] = {}
        if record.table is Table.TASKS:
            if record.node.nested or record.outer is not None:
                choices[:] = [
                    each for each in choices if each.column not in ("parent_id", "outline_level")
                ]
            elif "parent_id" in names:
                choices[:] = [each for each in choices if each.column != "outline_level"]
            if record.outer is not None:
                fixed["parent_id"] = '".."'
            if has_role(record.node.name, "wbs"):
                fixed["kind"] = '{ default = "wbs" }'
        elif record.outer is not None:
            self._point_outwards(record, choices, fixed)
        return fixed

    def _point_outwards(self, record: Record, choices: list[Choice], fixed: dict[str, str]) -> None:
        outer = record.outer
        assert outer is not None
        if record.table is Table.ASSIGNMENTS:
            column = "task_id" if outer.table is Table.TASKS else "resource_id"
            choices[:] = [each for each in choices if each.column != column]
            fixed[column] = '".."'
        elif record.table is Table.DEPENDENCIES:
            ends = ("predecessor_id", "successor_id")
            inner = next((each for each in choices if each.column in ends), None)
            if inner is None:
                source = self._reference(record)
                if source is None:
                    return
                ordered = _ORDERED.search(record.node.name)
                names_predecessor = self.swapped if ordered is None else ordered[0] in "Pp"
                place = "before" if self.swapped else "after"
                doubt = f"does it come {place} the task around it?" if ordered is None else ""
                column = ends[not names_predecessor]
                inner = Choice(column, source, doubt=doubt)
            choices[:] = [
                each
                for each in choices
                if each.column not in ends and each.source is not inner.source
            ]
            choices.insert(0, inner)
            fixed[ends[inner.column == "predecessor_id"]] = '".."'

    def _reference(self, record: Record) -> Source | None:
        """Return the source of a link that names a task."""
        ids = {
            value
            for each in self._plan.records
            if each.table is Table.TASKS and each.id is not None
            for value in each.id.values.sample
        }
        found = [
            each
            for each in record.sources
            if each.values.count and ids.issuperset(list(each.values.sample)[:50])
        ]
        return next((each for each in found if "id" in words(each.name)), None) or next(
            iter(found), None
        )

    def _columns(
        self, section: str, record: Record, choices: list[Choice], fixed: dict[str, str]
    ) -> Iterator[str]:
        yield f"[{section}.columns]"
        for choice in choices:
            self._days = self._days or choice.options.get("unit") == "days"
            self._comma = self._comma or choice.comma
            yield _aligned(f"{choice.column} = {_value(choice)}", _example(choice, record))
        for column, value in fixed.items():
            yield f"{column} = {value}"
        used = {choice.source.path for choice in choices}
        left = [each for each in record.sources if each.path not in used and each.values.count]
        for source in left[:_MAX_LISTED]:
            yield f"# in attributes: {make_visible(source.path)}, {_shown(source)}"
        if len(left) > _MAX_LISTED:
            yield f"# and {len(left) - _MAX_LISTED} more"

    def _changing(self) -> list[str]:
        """Return the XML attributes and elements of the project that change at every save."""
        project = self._plan.project
        marks = {"saved", "exported", "modified", "changed", "updated", "generated", "view"}
        marks.add("divider")
        names = [each.path for each in project.sources if marks & set(words(each.name))]
        return [name for name in names if "/" not in name]

    def _others(self, unusable: list[Node]) -> Iterator[str]:
        others = [*self._plan.others, *unusable]
        if others:
            yield ""
            yield "# These elements become parts of the project (`project_parts`), or stay in its"
            yield "# attributes:"
        for node in others[:_MAX_LISTED]:
            path = node.path_from(self._plan.project.node)
            yield f"# {make_visible(path)} ({node.count})"
        if len(others) > _MAX_LISTED:
            yield f"# and {len(others) - _MAX_LISTED} more"


def _children(node: Node) -> str:
    """Return the path from a task to the tasks in it."""
    if node.children.get(node.tag) is node:
        return node.name
    inner = next(child for child in node.own_children if child.children.get(node.tag) is node)
    return f"{inner.name}/{node.name}"


def _format_name(name: str) -> str:
    """Return a name for the format that is allowed, from any text."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    plain = plain if plain[:1].isalpha() else f"my-{plain}"
    plain = f"my-{plain}" if plain in _TAKEN else plain
    return plain[:31].rstrip("-")


def _value(choice: Choice) -> str:
    """Return the value of a column, as TOML."""
    if not choice.options:
        return _text(choice.source.path)
    parts = [f"from = {_text(choice.source.path)}"]
    for name, option in choice.options.items():
        if isinstance(option, dict):
            pairs = (f"{_text(key)} = {json.dumps(value)}" for key, value in option.items())
            parts.append(f"{name} = {{ {', '.join(pairs)} }}")
        else:
            parts.append(f"{name} = {_text(option)}")
    return f"{{ {', '.join(parts)} }}"


def _text(text: str) -> str:
    """Return a text as a basic string of TOML: JSON's, without raw control characters."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _example(choice: Choice, record: Record) -> str:
    values = choice.source.values
    doubt = f"CHECK: {choice.doubt}; " if choice.doubt else ""
    return f"{doubt}{values.count} of {record.node.count}, {_shown(choice.source)}"


def _shown(source: Source) -> str:
    first = next(iter(source.values.sample), None) or next(iter(source.values.empties), "")
    if len(first) > _SHOWN:
        first = f"{first[: _SHOWN - 1]}…"
    return f"such as {escape_json(json.dumps(first, ensure_ascii=False))}"


def _aligned(code: str, comment: str) -> str:
    return f"{code.ljust(_COMMENT_AT)} # {comment}"
