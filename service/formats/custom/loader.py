"""Loads format files: TOML in, ``Format`` out.

``language`` checks the structure of a file; this module checks what it means.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from service.codes import WarningCode
from service.formats import values
from service.formats.custom.builder import builder_for
from service.formats.custom.kinds import kind_of, value_of
from service.formats.custom.language import (
    LEVEL,
    OUTER,
    PROJECT_FIELDS,
    RECORD_FIELDS,
    FormatFile,
    Records,
    Source,
    Tasks,
)
from service.formats.format import Format
from service.formats.record_rules import (
    KEEP_AS_PART,
    PROJECT_ROW_COLUMNS,
    Field,
    Key,
    NestedRule,
    RecordRule,
    ReferenceRule,
    Settle,
)
from service.tables import TASK_KINDS, Column, Table

MAX_BYTES: Final = 256 * 1024
"""Size of a format file."""
MAX_FAULTS: Final = 20
"""Faults of a file that are reported."""

_NO_TASK: Final = "is not a task of this project"
_IDS: Final = {Table.TASKS: "task_id", Table.RESOURCES: "resource_id"}
_NO_SOURCE: Final = Field(".", "external_id", values.ID)
"""Gives a project's record a place for the id, which is computed: no element has this name."""
_ENDS: Final = ("predecessor_id", "successor_id")


class FormatFault(ValueError):
    """A format file cannot be used; the text has a line for each fault.

    Attributes:
        faults: what is wrong, each with the file and the place in it.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults[:MAX_FAULTS]))
        self.faults = tuple(faults[:MAX_FAULTS])


def read_format(path: Path) -> Format:
    """Read a format file.

    Raises:
        FormatFault: the file cannot be read or used.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise FormatFault([f"{path}: the file is over {MAX_BYTES} bytes"])
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatFault([f"{path}: {error}"]) from error
    return parse_format(text, str(path))


def parse_format(text: str, where: str) -> Format:
    """Return the format that a format file describes.

    Args:
        text: the file.
        where: its name, for messages.

    Raises:
        FormatFault: the file cannot be used.
    """
    try:
        parsed = FormatFile.model_validate(tomllib.loads(text))
    except RecursionError:
        raise FormatFault([f"{where}: values are nested too deeply"]) from None
    except ValidationError as error:
        raise FormatFault([f"{where}: {each}" for each in _describe(error)]) from error
    except ValueError as error:  # not TOML, or a number of thousands of digits
        raise FormatFault([f"{where}: {error}"]) from error
    compiler = _Compiler(parsed)
    built = compiler.compile()
    if built is None or compiler.faults:
        raise FormatFault([f"{where}: {each}" for each in compiler.faults])
    return built


def _describe(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False):
        place = ""
        for step in each["loc"]:
            place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else str(step)
        kind, message = each["type"], each["msg"].removeprefix("Value error, ")
        if kind == "extra_forbidden":
            message = "is not a key of the language"
        elif kind == "missing":
            message = "is missing"
        yield f"{place}: {message}"


@dataclass(frozen=True, slots=True)
class RootMatch:
    """The root elements of a format's files.

    Attributes:
        root: local name; None for any.
        namespace: empty for none; None for any.
    """

    root: str | None
    namespace: str | None

    def __call__(self, namespace: str, name: str) -> bool:
        return self.root in {None, name} and self.namespace in {None, namespace}

    def overlaps(self, other: "RootMatch") -> bool:
        """Whether a root element can match both."""
        pairs = (self.root, other.root), (self.namespace, other.namespace)
        return all(None in pair or pair[0] == pair[1] for pair in pairs)


@dataclass(frozen=True, slots=True)
class _Found:
    """A kind of record in the file.

    Attributes:
        where: place in the file, for messages.
        rules: what the file says.
        inside: the records in it.
    """

    where: str
    rules: Records
    inside: "list[_Found]" = field(default_factory=list)


class _Compiler:
    """Compiles one file; ``faults`` has what is wrong.

    Args:
        parsed: the file.
    """

    def __init__(self, parsed: FormatFile) -> None:
        self._file = parsed
        self.faults: list[str] = []
        self._tables = {rules.TABLE for _, rules in parsed.records}
        self._ordered = any(
            _reads_parent(rules) for _, rules in parsed.records if isinstance(rules, Tasks)
        )

    def compile(self) -> Format | None:
        """Return the format, or None after a fault."""
        file = self._file
        if file.root_namespace is not None and file.namespace is None:
            self._fault("root_namespace", "namespace must say that of the other elements")
        if file.root is None and file.namespace is None:
            self._fault("", "the format needs a root or a namespace, by which files have it")
        project = self._project()
        records: dict[str, RecordRule] = {}
        for found in self._outermost():
            rule = self._record(found, None)
            if rule is not None:
                records[found.rules.element] = rule
        if project is None or self.faults:
            return None
        identity = "external_id" if "external_id" in file.project.columns else file.project.identity
        return Format(
            name=file.name,
            recognises=self._root_match(),
            namespace=file.namespace,
            project=project,
            records=records,
            anywhere=True,
            is_root=file.root_namespace is not None and file.root == file.project.element,
            identity=tuple(each for each in project.fields if each.column == identity),
            builder=builder_for(project, identity or "name"),
            volatile=frozenset(file.volatile),
            dated_by=file.dated_by,
        )

    def _root_match(self) -> RootMatch:
        file = self._file
        return RootMatch(
            file.root, file.namespace if file.root_namespace is None else file.root_namespace
        )

    def _fault(self, where: str, problem: str) -> None:
        self.faults.append(f"{where}: {problem}" if where else problem)

    def _outermost(self) -> Iterable[_Found]:
        """Return the records that are in no other record; each has those inside it."""
        found: dict[str, _Found] = {}
        for where, rules in self._file.records:
            if rules.element in found:
                other = found[rules.element].where
                self._fault(f"{where}.element", f"{rules.element} is the element of {other} too")
            found.setdefault(rules.element, _Found(where, rules))
        outermost = []
        for path, each in found.items():
            around = _around(path, found)
            if around is None:
                outermost.append(each)
            else:
                found[around].inside.append(each)
        return outermost

    def _project(self) -> RecordRule | None:
        rules = self._file.project
        columns = rules.columns
        if "external_id" in columns and rules.identity is not None:
            self._fault("project.identity", "external_id has a source; remove one of the two")
        elif "external_id" not in columns and rules.identity is None:
            self._fault("project", "map external_id, or name the column of the identity")
        identity = rules.identity or "external_id"
        if identity in columns and not columns[identity].places:
            self._fault(f"project.columns.{identity}", "the identity needs a from")
        elif rules.identity is not None and identity not in columns:
            self._fault("project.identity", f"the column {identity} has no source")
        fields, defaults, owner = self._columns("project", columns, PROJECT_FIELDS)
        dated_by = self._file.dated_by
        fields = tuple(replace(each, keep=each.keep or each.source in dated_by) for each in fields)
        if not any(each.column == "external_id" for each in fields):
            fields = (*fields, _NO_SOURCE)
        if owner:
            self._fault(f"project.columns.{owner[0]}", f"nothing is around a project: {OUTER}")
        return self._rule(
            "project",
            RecordRule(rules.element),
            columns=PROJECT_ROW_COLUMNS,
            fields=fields,
            defaults=defaults,
            required=(identity,) if identity in columns else (),
        )

    def _record(self, found: _Found, around: _Found | None) -> RecordRule | None:
        rules, where = found.rules, found.where
        table = rules.TABLE
        fields, defaults, owner = self._columns(where, rules.columns, RECORD_FIELDS[table])
        self._check_owner(found, around, owner)
        self._check_required(found)
        nested = []
        for each in found.inside:
            inner = self._record(each, found)
            column = next((k for k, v in each.rules.columns.items() if OUTER in v.places), None)
            if inner is not None and column is not None:
                place = each.rules.element.removeprefix(f"{rules.element}/")
                nested.append(NestedRule(inner, column, column, place))
        children = rules.children if isinstance(rules, Tasks) else None
        rule = self._rule(
            where,
            RecordRule(rules.element.rpartition("/")[2], table),
            fields=fields,
            defaults=defaults,
            apart=(*(each.place for each in nested), *([] if children is None else [children])),
            required=(_IDS[table],) if table in _IDS else (),
        )
        if rule is None:
            return None
        key = None
        if table in _IDS:
            key = Key(_IDS[table], table, "kind" if table is Table.TASKS else None)
        return self._rule(
            where,
            rule,
            nested=tuple(nested),
            children=children,
            key=key,
            level=LEVEL if LEVEL in rules.columns else None,
            references=self._references(table, rule, owner),
        )

    def _references(
        self, table: Table, rule: RecordRule, owner: Sequence[str]
    ) -> tuple[ReferenceRule, ...]:
        if table is Table.TASKS and self._ordered:
            # The parent may come later. If it is not in the project, its id goes to attributes.
            plain = tuple(each for each in rule.fields if each.column != "parent_id")
            return (
                ReferenceRule(
                    ("parent_id",),
                    TASK_KINDS,
                    fallback=replace(rule, fields=plain),
                    settle=Settle.IN_ORDER,
                ),
            )
        if table is Table.DEPENDENCIES:
            return (
                ReferenceRule(
                    tuple(each for each in _ENDS if each not in owner),
                    TASK_KINDS,
                    required=True,
                    problem=_NO_TASK if owner else "has an end that is not in this project",
                    warning=WarningCode.LINK_END_MISSING,
                    fallback=KEEP_AS_PART,
                ),
            )
        references = []
        if table is Table.ASSIGNMENTS and "task_id" not in owner:
            references.append(
                ReferenceRule(
                    ("task_id",),
                    TASK_KINDS,
                    required=True,
                    problem=_NO_TASK,
                    warning=WarningCode.ASSIGNMENT_TASK_MISSING,
                    fallback=KEEP_AS_PART,
                )
            )
        if table is Table.ASSIGNMENTS and Table.RESOURCES in self._tables:
            references.append(
                ReferenceRule(
                    ("resource_id",),
                    (Table.RESOURCES,),
                    problem="is not a resource of this project",
                    warning=WarningCode.RESOURCE_MISSING,
                )
            )
        return tuple(references)

    def _check_owner(self, found: _Found, around: _Found | None, owner: Sequence[str]) -> None:
        where, rules = f"{found.where}.columns", found.rules
        if around is None:
            for each in owner:
                self._fault(f"{where}.{each}", f"{OUTER} needs a record around this one")
            return
        if around.rules.TABLE not in _IDS:
            self._fault(f"{found.where}.element", f"{around.where} cannot have records inside")
            return
        fitting = {
            each.name
            for each in RECORD_FIELDS[rules.TABLE]
            if each.name == _IDS[around.rules.TABLE]
            or (around.rules.TABLE is Table.TASKS and each.name in {"parent_id", *_ENDS})
        }
        fitting.discard(_IDS.get(rules.TABLE, ""))
        if len(owner) != 1 or owner[0] not in fitting:
            known = " or ".join(sorted(fitting)) or "no column"
            problem = f'the record is inside {around.where}; one column must be "{OUTER}": {known}'
            self._fault(where, problem)

    def _check_required(self, found: _Found) -> None:
        rules, where = found.rules, f"{found.where}.columns"
        required = {
            Table.TASKS: ("task_id",),
            Table.RESOURCES: ("resource_id",),
            Table.DEPENDENCIES: _ENDS,
            Table.ASSIGNMENTS: ("task_id",),
        }[rules.TABLE]
        for name in required:
            if not rules.columns.get(name, Source()).places:
                self._fault(f"{where}.{name}", "is missing, and each record needs a value")
        if (
            rules.TABLE in {Table.DEPENDENCIES, Table.ASSIGNMENTS}
            and Table.TASKS not in self._tables
        ):
            self._fault(found.where, "the format has no tasks")
        if isinstance(rules, Tasks):
            parents = [each for each in rules.columns if each in {"parent_id", LEVEL}]
            if rules.children is not None and (parents != ["parent_id"] or _reads_parent(rules)):
                parents.append("children")
            if len(parents) > 1:
                self._fault(found.where, f"{' and '.join(parents)} exclude each other")

    def _columns(
        self, where: str, sources: Mapping[str, Source], columns: Sequence[Column]
    ) -> tuple[tuple[Field, ...], dict[str, bytes], list[str]]:
        """Return fields, defaults, and the columns with the id of the record around."""
        fields: list[Field] = []
        defaults: dict[str, bytes] = {}
        owner: list[str] = []
        for column in columns:
            source = sources.get(column.name)
            if source is None:
                continue
            place = f"{where}.columns.{column.name}"
            try:
                kind = kind_of(column, source, self._file.hours_per_day, self._file.decimal)
                if source.default is not None:
                    defaults[column.name] = value_of(column, source.default)
            except ValueError as error:
                self._fault(place, str(error))
                continue
            if source.places == (OUTER,):
                owner.append(column.name)
                continue
            if not source.places and source.default is None:
                self._fault(place, "needs a from or a default")
            if len(source.places) > 1 and any(
                "/" in each or each[0] in "@." for each in source.places
            ):
                self._fault(place, "a list can have only child elements")
                continue
            keep = source.keep or column.name == LEVEL
            fields += [
                Field(each, column.name, kind, keep, rank)
                for rank, each in enumerate(source.places)
            ]
        self._check_sources(where, fields)
        return tuple(fields), defaults, owner

    def _check_sources(self, where: str, fields: Iterable[Field]) -> None:
        used: dict[str, str] = {}
        for each in fields:
            other = used.setdefault(each.source, each.column)
            if other != each.column:
                place = f"{where}.columns.{each.column}"
                self._fault(place, f"{each.source} is the source of {other} already")

    def _rule(self, where: str, rule: RecordRule, **changes: object) -> RecordRule | None:
        try:
            return replace(rule, **changes)  # type: ignore[arg-type]
        except ValueError as error:
            self._fault(where, str(error).partition(": ")[2])
            return None


def _reads_parent(rules: Tasks) -> bool:
    source = rules.columns.get("parent_id")
    return source is not None and source.places not in {(), (OUTER,)}


def _around(path: str, found: Mapping[str, _Found]) -> str | None:
    """Return the path of the innermost record around a record."""
    while "/" in path:
        path = path.rpartition("/")[0]
        if path in found:
            return path
    return None
