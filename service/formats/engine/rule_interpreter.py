"""Interprets record rules in Python: converts elements to rows of a project."""

from functools import cache
from typing import NamedTuple

from service.formats.element import Element, line_of
from service.formats.engine.parsed_record import ParsedRecord
from service.formats.project_builder import ProjectBuilder
from service.formats.record_rules import NestedRule, RecordRule, ReferenceRule, Settle
from service.formats.references import Row, Targets
from service.formats.values import NULL

_TRUE = b"t"
_UNKNOWN = b"?"


class _Reference(NamedTuple):
    """A reference rule, with its columns resolved to indexes.

    Attributes:
        rule: the rule.
        columns: indexes of its columns.
        kinds: of the target, as COPY text.
        label: name of the element or XML attribute, if the rule has a single column.
    """

    rule: ReferenceRule
    columns: tuple[int, ...]
    kinds: tuple[bytes, ...]
    label: str | None

    def targets(self, columns: list[bytes]) -> Targets:
        """Return the targets of a record; none if an optional reference is null."""
        values = [columns[index] for index in self.columns]
        if NULL in values and not self.rule.required:
            return ()
        return tuple([tuple([kind + value for kind in self.kinds]) for value in values])


class RuleInterpreter:
    """Takes the records of one rule.

    Args:
        rule: the rule.
        nesting: the rule of their nesting, if its records are nested in others.
    """

    def __init__(self, rule: RecordRule, nesting: NestedRule | None = None) -> None:
        index = rule.index
        self._rule = rule
        self._nesting = nesting
        self._owner = None if nesting is None else index(nesting.owner)
        self._nested = {each.name: each for each in rule.inner}
        self._key = None if rule.key is None else index(rule.key.column)
        self._kind = b"" if rule.key is None else rule.key.kind.encode()
        self._kind_column = None
        if rule.key is not None and rule.key.kind_column is not None:
            self._kind_column = index(rule.key.kind_column)
        self._finish_label = rule.label("finish")
        self._dates = (index("start"), index("finish")) if rule.dated else None
        self._outline = None if rule.level is None else (index(rule.level), index("parent_id"))
        self._variants = [(index(column), variant) for column, variant in rule.variants.items()]
        self._references = [
            _Reference(
                reference,
                tuple(map(index, reference.columns)),
                tuple(kind.encode() for kind in reference.kinds),
                rule.label(reference.columns[0]) if len(reference.columns) == 1 else None,
            )
            for reference in rule.references
        ]
        self._in_order = any(each.settle is Settle.IN_ORDER for each in rule.references)

    def take(self, builder: ProjectBuilder, element: Element, owner: bytes = NULL) -> None:
        """Take one record.

        Args:
            builder: of the project.
            element: the record, complete.
            owner: id of the outer record, as COPY text, if this one is nested.

        Raises:
            TooLarge: the project is over a limit.
        """
        rule = self._rule
        if rule.take is not None:
            rule.take(builder, element)
        elif rule.as_part:
            builder.add_part(element)
        else:
            if not self._in_order and builder.references.held_table is rule.table:
                builder.release_held_rows()
            record = self._read(builder, element)
            if record is None:
                builder.add_part(element)
            else:
                self._take_record(builder, element, record, owner)

    def _read(self, builder: ProjectBuilder, element: Element) -> ParsedRecord | None:
        """Read a record by its rule or a variant; None if it becomes a part."""
        record = builder.read(element, self._rule)
        for column, variant in self._variants:
            if record.columns[column] == _TRUE:
                return None if variant.as_part else builder.reread(element, variant)
        return record

    def _take_record(
        self, builder: ProjectBuilder, element: Element, record: ParsedRecord, owner: bytes
    ) -> None:
        columns = record.columns
        record_id = NULL if self._key is None else columns[self._key]
        if self._key is not None:
            kind = self._kind if self._kind_column is None else columns[self._kind_column]
            builder.register_id(element, kind, record_id)
        if self._dates is not None:
            start, finish = self._dates
            builder.check_dates(element, self._finish_label, columns[start], columns[finish])
        if self._outline is not None:
            level, parent = self._outline
            if columns[level] is not NULL:
                columns[parent] = builder.outline.parent(int(columns[level]), record_id)
        if self._owner is not None:
            columns[self._owner] = owner
        row: Row | None = builder.row(self._rule, record)
        for reference in self._references:
            row = self._resolve(builder, element, columns, reference, row, owner)
        if row is not None:
            builder.add(row)
        for child in record.apart:
            if self._nested:
                nesting = self._nested[builder.file.keys[child.tag]]
                nested_interpreter(nesting).take(builder, child, record_id)
            else:
                builder.add_part(child)
            builder.file.give_way()

    def _resolve(
        self,
        builder: ProjectBuilder,
        element: Element,
        columns: list[bytes],
        reference: _Reference,
        row: Row | None,
        owner: bytes,
    ) -> Row | None:
        """Resolve one reference, and return the row if the caller still has to add it."""
        rule = reference.rule
        targets = reference.targets(columns)
        if rule.settle is Settle.IN_ORDER:
            assert row is not None
            other = self._fallback_row(builder, element, rule, owner) if targets else row
            builder.references.hold(targets, row, other)
            return None
        if builder.references.exist(targets):
            return row
        if rule.supply is not None:
            supplied: Row | None = rule.supply(builder, columns[reference.columns[0]])
            if supplied is not None:
                builder.add(supplied)
                return row
        if rule.resolve is not None:
            rule.resolve(builder, element, columns[reference.columns[0]])
            return row
        if rule.settle is Settle.AT_ONCE:
            return self._fallback_row(builder, element, rule, owner)
        if reference.label is not None:
            subject = reference.label, columns[reference.columns[0]]
        else:
            values = [columns[index] for index in reference.columns]
            ids = b" -> ".join([_UNKNOWN if value is NULL else value for value in values])
            subject = builder.file.keys[element.tag], ids
        if rule.once and builder.is_repeated(rule, targets):
            return row
        line = line_of(element)
        if rule.fallback is None:
            builder.defer_reference(line, rule, targets, subject)
            return row
        fallback = self._fallback_row(builder, element, rule, owner)
        builder.defer_reference(line, rule, targets, subject, row, fallback)
        return None

    def _fallback_row(
        self, builder: ProjectBuilder, element: Element, rule: ReferenceRule, owner: bytes
    ) -> Row:
        assert rule.fallback is not None
        if not rule.fallback.as_part:
            return builder.row(rule.fallback, builder.reread(element, rule.fallback))
        if self._nesting is None:
            return builder.part_row(element)
        return builder.part_row(element, **{self._nesting.owner_member: owner})


@cache
def interpreter(rule: RecordRule) -> RuleInterpreter:
    """Return the interpreter of a rule."""
    return RuleInterpreter(rule)


@cache
def nested_interpreter(nesting: NestedRule) -> RuleInterpreter:
    """Return the interpreter of nested records."""
    return RuleInterpreter(nesting.rule, nesting)
