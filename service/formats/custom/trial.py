"""What a file would store with a format: columns, attributes and faults, without a database.

The real reader reads the file, so a trial shows what an import would do. Memory does not grow with
the file: a trial keeps counts and a few examples.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from service.codes import WarningCode
from service.errors import FileRefused, FileTooLarge, add_place
from service.formats.custom.usage import EXAMPLES, MAX_KINDS, TableUsage, new_usage
from service.formats.encoding import ByteSource
from service.formats.format import Format
from service.formats.limits import Limits
from service.formats.project_builder import ProjectBuilder
from service.formats.reader import Reader
from service.formats.values import NULL
from service.model import Project, Refusal, shorten
from service.spool.copy_rows import CopyRows, StoredRows, escape
from service.tables import COLUMNS, MEMBERS, PROJECT_COLUMNS, TABLES, Table

_PROJECTS: Final = "projects"
_MAX_COMPARED: Final = 10_000
"""Tasks of a project whose starts are compared."""
_TASK_ID, _START = map(COLUMNS[Table.TASKS][1:].index, ("task_id", "start"))


@dataclass(slots=True)
class Fault:
    """A kind of fault, and where it occurs.

    Attributes:
        fatal: whether it refuses the project.
        code: of a warning; None for a violation.
        element: local name of the element or XML attribute.
        problem: the problem, which follows element and value in a message; empty for a warning.
        count: how often it occurs.
        lines: the first lines, from 1.
        values: the first different values, shortened.
    """

    fatal: bool
    code: WarningCode | None
    element: str
    problem: str
    count: int = 0
    lines: list[int] = field(default_factory=list)
    values: list[str] = field(default_factory=list)

    def add(self, line: int, value: str | None) -> None:
        """Count an occurrence."""
        self.count += 1
        if len(self.lines) < EXAMPLES:
            self.lines.append(line)
        if value is not None and len(self.values) < EXAMPLES and value not in self.values:
            self.values.append(value)


class Trial:
    """One pass over a file with a format.

    Attributes:
        tables: by name, ``projects`` and the tables with rows.
        refusals: the projects that would be refused, up to ``MAX_KINDS``.
        faults: the kinds of faults, in the order in which they occur, up to ``MAX_KINDS``.
        omitted: faults of other kinds.
        refused: number of refused projects.
        warnings: about the file as a whole.
        broken: the reason why the rest of the file cannot be read, or None.
        forward: links from a finish to a start whose successor starts after the predecessor.
        backward: those whose successor starts before it.
    """

    def __init__(self) -> None:
        columns = ("external_id", *PROJECT_COLUMNS[:-1])
        self.tables: dict[str, TableUsage] = {_PROJECTS: new_usage(columns)}
        self.refusals: list[Refusal] = []
        self.refused = 0
        self.omitted = 0
        self.warnings: list[str] = []
        self.broken: str | None = None
        self.forward = self.backward = 0
        self._faults: dict[tuple[object, ...], Fault] = {}

    @property
    def faults(self) -> list[Fault]:
        """Return the kinds of faults."""
        return list(self._faults.values())

    @property
    def clean(self) -> bool:
        """Whether every project would be stored, without a warning."""
        return not (
            self.refused or self._faults or self.warnings or self.broken or self.links_reversed
        )

    @property
    def links_reversed(self) -> bool:
        """Whether predecessors and successors seem to be the wrong way round."""
        return self.backward > self.forward

    def read(self, file_format: Format, source: ByteSource, limits: Limits) -> None:
        """Read a file.

        Args:
            source: the file's XML, from its first byte; exceptions of its ``read`` pass through.

        Raises:
            FileRefused: there is no complete project before the fault.
            FileTooLarge: likewise.
        """
        reader = Reader(source, limits, formats=(self._observe(file_format),))
        try:
            for item in reader:
                if isinstance(item, Project):
                    self._count_project(item)
                elif isinstance(item, Refusal):
                    self.refused += 1
                    if len(self.refusals) < MAX_KINDS:
                        self.refusals.append(item)
                else:
                    for _ in item.objects:
                        pass
        except (FileRefused, FileTooLarge) as fault:
            if not reader.complete:
                raise
            self.broken = describe_fault(fault)
        finally:
            self.warnings += [
                each.message if each.count is None else f"{each.message} ({each.count})"
                for each in reader.warnings
            ]

    def as_dict(self) -> dict[str, Any]:
        """Return the trial as a document."""
        return {
            "clean": self.clean,
            "tables": {name: table.as_dict() for name, table in self.tables.items()},
            "faults": [_fault_as_dict(each) for each in self.faults],
            "faults_omitted": self.omitted,
            "refused": self.refused,
            "refusals": [
                {
                    "line": each.line,
                    "external_id": each.external_id,
                    "error": each.code,
                    "message": each.message,
                }
                for each in self.refusals
            ],
            "warnings": self.warnings,
            "broken": self.broken,
            "links_reversed": self.links_reversed,
        }

    def _observe(self, file_format: Format) -> Format:
        """Return the format with a builder that reports every fault to this trial."""
        trial = self
        base: Any = file_format.builder or ProjectBuilder

        class ObservedBuilder(base):  # type: ignore[misc]
            def warn(self, code: WarningCode, line: int, element: str, value: str | None) -> None:
                trial._add_fault(code, line, element, value, "")
                super().warn(code, line, element, value)

            def violate(self, line: int, element: str, value: str | None, problem: str) -> None:
                trial._add_fault(None, line, element, value, problem)
                super().violate(line, element, value, problem)

        return replace(file_format, builder=ObservedBuilder)

    def _add_fault(
        self, code: WarningCode | None, line: int, element: str, value: str | None, problem: str
    ) -> None:
        element = shorten(element)
        key = code, element, problem
        fault = self._faults.get(key)
        if fault is None:
            if len(self._faults) == MAX_KINDS:
                self.omitted += 1
                return
            fault = self._faults[key] = Fault(code is None, code, element, problem)
        fault.add(line, shorten(value))

    def _count_project(self, project: Project) -> None:
        external_id = escape(project.external_id.encode())
        self.tables[_PROJECTS].add(b"%b\t%b" % (external_id, project.row))
        for table in TABLES:
            if project.rows.count(table):
                columns = () if table is Table.PARTS else COLUMNS[table][1:-1]
                usage = self.tables.setdefault(MEMBERS[table], new_usage(columns))
                for line in _lines(project.rows, table):
                    (usage.add_part if table is Table.PARTS else usage.add)(line)
        self._compare_dates(project.rows)
        project.rows.close()

    def _compare_dates(self, rows: CopyRows | StoredRows) -> None:
        """Count the links of a project by the starts of their tasks."""
        starts: dict[bytes, bytes] = {}
        for line in _lines(rows, Table.TASKS):
            columns = line.split(b"\t")
            if len(starts) < _MAX_COMPARED and columns[_START] != NULL:
                starts[columns[_TASK_ID]] = columns[_START]
        for line in _lines(rows, Table.DEPENDENCIES):
            predecessor, successor, kind, *_ = line.split(b"\t")
            first, second = starts.get(predecessor), starts.get(successor)
            if first is not None and second is not None and kind == b"FS":
                self.forward += first < second
                self.backward += first > second


def describe_fault(fault: FileRefused | FileTooLarge) -> str:
    """Return the reason why a file cannot be read, and where."""
    return add_place(fault.reason, fault.line)


def _lines(rows: CopyRows | StoredRows, table: Table) -> Iterator[bytes]:
    """Yield the rows of a table, without their ordinals."""
    for block in rows.blocks(table):
        for line in block[:-1].split(b"\n"):
            yield line.partition(b"\t")[2]


def _fault_as_dict(fault: Fault) -> dict[str, Any]:
    return {
        "fatal": fault.fatal,
        "code": fault.code,
        "element": fault.element,
        "problem": fault.problem,
        "count": fault.count,
        "lines": fault.lines,
        "values": fault.values,
    }
