"""Interprets record rules in Python: from an element to rows of a project's builder."""

from functools import cache, partial
from typing import NamedTuple

from service.formats.element import Element
from service.formats.engine.parsed_record import ParsedRecord
from service.formats.project_builder import ProjectBuilder
from service.formats.record_rules import NestedRule, RecordRule, ReferenceRule, Settle
from service.formats.references import Row, Targets
from service.formats.values import NULL

_TRUE = b"t"
_UNKNOWN = b"?"


class _Reference(NamedTuple):
    """A reference rule, with what it looks up by name."""

    rule: ReferenceRule
    columns: tuple[int, ...]
    kinds: tuple[bytes, ...]
    label: str | None


class RuleInterpreter:
    """Takes the records of one rule.

    Args:
        rule: the rule.
        nesting: how its records are nested in others, if they are.
    """

    def __init__(self, rule: RecordRule, nesting: NestedRule | None = None) -> None:
        index = rule.index
        self._rule = rule
        self._nesting = nesting
        self._owner = -1 if nesting is None else index(nesting.owner)
        self._key = -1 if rule.key is None else index(rule.key.column)
        self._kind = b"" if rule.key is None else rule.key.kind.encode()
        self._kind_column = -1
        if rule.key is not None and rule.key.kind_column is not None:
            self._kind_column = index(rule.key.kind_column)
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
            owner: id of the record around a nested one, as COPY text.

        Raises:
            TooLarge: the project is over a limit.
        """
        rule = self._rule
        if rule.take is not None:
            rule.take(builder, element)
            return
        if rule.as_part:
            builder.add_part(element)
            return
        if not self._in_order and builder.references.holds(rule.table):
            builder.release_held_rows()
        record = builder.read(element, rule)
        for column, variant in self._variants:
            if record.columns[column] == _TRUE:
                if variant.as_part:
                    builder.add_part(element)
                    return
                record = builder.reread(element, variant)
                break
        self._check_and_complete(builder, element, record, owner)
        row: Row | None = builder.row(rule, record)
        for reference in self._references:
            row = self._resolve(builder, element, record, reference, row, owner)
        if row is not None:
            builder.add(row)
        nested = None if rule.nested is None else nested_interpreter(rule.nested)
        for child in record.apart:
            if nested is None:
                builder.add_part(child)
            else:
                nested.take(builder, child, record.columns[self._key])

    def _check_and_complete(
        self, builder: ProjectBuilder, element: Element, record: ParsedRecord, owner: bytes
    ) -> None:
        """Register the id, check the dates, fill parent and owner."""
        columns = record.columns
        if self._key >= 0:
            kind = self._kind if self._kind_column < 0 else columns[self._kind_column]
            builder.register_id(element, kind, columns[self._key])
        if self._dates is not None:
            start, finish = self._dates
            builder.check_dates(
                element, self._rule.label("finish"), columns[start], columns[finish]
            )
        if self._outline is not None:
            level, parent = self._outline
            if columns[level] is not NULL:
                columns[parent] = builder.outline.parent(int(columns[level]), columns[self._key])
        if self._owner >= 0:
            columns[self._owner] = owner

    def _resolve(
        self,
        builder: ProjectBuilder,
        element: Element,
        record: ParsedRecord,
        reference: _Reference,
        row: Row | None,
        owner: bytes,
    ) -> Row | None:
        """Resolve one reference; returns the row that is still to be added."""
        rule = reference.rule
        values = [record.columns[column] for column in reference.columns]
        refers = rule.required or NULL not in values
        targets: Targets = ()
        if refers:
            targets = tuple(tuple(kind + value for kind in reference.kinds) for value in values)
        if rule.settle is Settle.IN_ORDER:
            assert row is not None
            fallback = self._fallback_row(builder, element, rule, owner) if refers else row
            builder.references.hold(targets, row, fallback)
            return None
        if not refers:
            return row
        if rule.settle is Settle.AT_ONCE:
            if builder.references.exist(targets):
                return row
            return self._fallback_row(builder, element, rule, owner)
        if rule.resolve is not None:
            if not builder.references.exist(targets):
                rule.resolve(builder, element, values[0])
            return row
        if reference.label is not None:
            subject = reference.label, values[0]
        else:
            ends = (_UNKNOWN if value is NULL else value for value in values)
            subject = builder.file.keys[element.tag], b" -> ".join(ends)
        if rule.fallback is None:
            builder.resolve_reference(element, rule, targets, subject)
            return row
        fallback_row = partial(self._fallback_row, builder, element, rule, owner)
        builder.resolve_reference(element, rule, targets, subject, row, fallback_row)
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
