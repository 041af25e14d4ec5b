"""Reports the result of a file: as a line of JSON, and as CSV."""

import contextlib
import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from service.cli.output import PROJECTS_FAILED, REFUSED, SUCCESS, replace_file
from service.cli.upload.failures import FailureRows
from service.imports.outcomes import summarize
from service.model import FileCounts

KEPT: Final = 1000
"""Largest number of failures and of warnings in a line of JSON; a member counts the others."""
KEPT_SIZE: Final = 4 * 1024 * 1024
"""Largest total size of what is kept, in characters; the outcomes of the service need much less."""
OUTCOMES: Final = ("created", "updated", "unchanged", "failed")
_MAX_PROBLEMS: Final = 20
_WARNING_MEMBERS: Final = ("line", "external_id", "code", "element", "value")


class Room:
    """Space for values of answers that reports keep; the reports of a pack share it."""

    def __init__(self) -> None:
        self._left = KEPT_SIZE

    def take(self, value: object) -> bool:
        """Return whether there is room to keep a value."""
        self._left -= len(json.dumps(value))
        return self._left >= 0


@dataclass(frozen=True)
class EndedImport:
    """An import that has ended.

    Attributes:
        import_id: None if the service does not state it.
        counts: the number of projects by outcome.
        files: the number of files; None for an undo.
        dry_run: whether it has changed nothing.
    """

    import_id: int | None
    counts: Mapping[str, int]
    files: FileCounts | None = None
    dry_run: bool = False


class FileReport:
    """The result of one file. It keeps the first failures and warnings, and counts the others.

    Args:
        file: path of the file.
        rows: takes all failures.
        name: of the file in its upload; None if the outcomes keep the names that they have.
        room: where kept values are counted.
        undo: whether the import is an undo.
    """

    def __init__(
        self,
        file: str,
        rows: FailureRows | None = None,
        *,
        name: str | None = None,
        room: Room | None = None,
        undo: bool = False,
    ) -> None:
        self.file = file
        self.name = name
        self.counts = dict.fromkeys(OUTCOMES, 0)
        self.imports: list[int] = []
        self.failures: list[Mapping[str, Any]] = []
        self.warnings: list[tuple[Any, ...]] = []
        self.warning_count = 0
        self.refusals: list[str] = []
        self.unsent = False
        self.dry_run = False
        self.key = ""
        self.pieces = 1
        self.bytes = 0
        self.bytes_sent = 0
        self.file_warnings: dict[tuple[str, str | None], dict[str, Any]] = {}
        self.files = FileCounts()
        self.take_room = (room or Room()).take
        self._rows = rows
        self._undo = undo

    def add_failure(self, item: Mapping[str, Any]) -> None:
        """Add a project that failed, or a file that cannot be read to its end."""
        item = self._with_path(item)
        if len(self.failures) < KEPT and self.take_room(item):
            self.failures.append(item)
        if self._rows is not None:
            self._rows.write(self.file, item)

    def add_success(self, item: Mapping[str, Any]) -> None:
        """Add the warnings of a project that was imported."""
        warnings = item.get("warnings") or {"count": 0, "first": []}
        self.warning_count += warnings["count"]
        for each in warnings["first"]:
            where = each["line"], item["external_id"]
            row = (*where, each["code"], each["element"], each["value"])
            if len(self.warnings) < KEPT and self.take_room(row):
                self.warnings.append(row)

    def add_file_warning(self, warning: Mapping[str, Any]) -> None:
        """Add a warning about the file, a piece of it, or a member of the archive."""
        warning = dict(self._with_path(warning))
        if warning.get("file") == self.file:
            del warning["file"]
        key = warning["code"], warning.get("file")
        if key not in self.file_warnings and self.take_room(warning):
            self.file_warnings[key] = warning | {"count": 0}
        if key in self.file_warnings:
            self.file_warnings[key]["count"] += warning.get("count") or 1

    def add_import(self, ended: EndedImport) -> None:
        """Add the counts of an import of the file, or of a piece of it."""
        if ended.import_id is not None:
            self.imports.append(ended.import_id)
        for outcome, number in ended.counts.items():
            if outcome in self.counts or self.take_room(outcome):
                self.counts[outcome] = self.counts.get(outcome, 0) + number
        self.dry_run = ended.dry_run

    def count(self, outcome: object) -> None:
        """Count a project by its outcome."""
        self.counts[outcome if outcome in self.counts else "failed"] += 1

    def _with_path(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the item with the path of its file, and of the archive's member, as ``file``."""
        file = item.get("file")
        if self.name is None or not isinstance(file, str) or not file.startswith(self.name):
            return item
        return {**item, "file": f"{self.file}{file[len(self.name) :]}"}

    @property
    def is_refused(self) -> bool:
        """Whether the service took no project of the file, because of the file itself."""
        return bool(self.refusals or (self.files.failed and not sum(self.counts.values())))

    @property
    def is_empty(self) -> bool:
        """Whether there is no outcome and no warning."""
        return not (self.failed or self.file_warnings or any(self.counts.values()))

    @property
    def problems(self) -> list[str]:
        """Why the file was refused or not sent; empty if it was not."""
        if self.refusals or not self.is_refused:
            return self.refusals
        return [
            each["message"] if each["line"] is None else f"line {each['line']}: {each['message']}"
            for each in self.failures[:_MAX_PROBLEMS]
        ]

    @property
    def exit_code(self) -> int:
        """``SUCCESS``, ``PROJECTS_FAILED`` or ``REFUSED``."""
        if self.is_refused:
            return REFUSED
        return PROJECTS_FAILED if self.failed else SUCCESS

    @property
    def status(self) -> str:
        """The status of the service's response; without a project, ``refused`` or ``unsent``."""
        if self.is_refused:
            return "unsent" if self.unsent else "refused"
        return self._summary[0]

    @property
    def message(self) -> str:
        """The result in one sentence, with the wording of the service."""
        return self._summary[1]

    @property
    def _summary(self) -> tuple[str, str]:
        return summarize(self.counts, self.files, dry_run=self.dry_run, undo=self._undo)

    def to_json(self) -> dict[str, Any]:
        """Return the result as the members of a line of JSON."""
        return {
            "file": self.file,
            "status": self.status,
            "message": self.message,
            "refusals": self.problems,
            "key": self.key,
            "import_ids": self.imports,
            "pieces": self.pieces,
            "bytes": self.bytes,
            "bytes_sent": self.bytes_sent,
            "counts": self.counts,
            "files": self.files.as_dict(),
            "failures": self.failures,
            "failures_omitted": self.failed - len(self.failures),
            "warnings": [dict(zip(_WARNING_MEMBERS, row, strict=True)) for row in self.warnings],
            "warnings_omitted": self.warning_count - len(self.warnings),
            "file_warnings": [*self.file_warnings.values()],
        }

    @property
    def failed(self) -> int:
        """The number of projects and files that failed."""
        return self.counts["failed"] + self.files.failed


@contextlib.contextmanager
def write_failures(path: Path | None) -> Iterator[FailureRows | None]:
    """Yield a writer of a CSV of failures, with the columns of the service's CSV.

    The CSV appears when the block ends. After an error, it does not appear.

    Raises:
        CommandError: the CSV cannot be written.
    """
    if path is None:
        yield None
        return
    from service.http.routes.results import COLUMNS, format_cells

    class Rows:
        def write(self, file: str, failure: Mapping[str, Any], /) -> None:
            writer.writerow(format_cells({**failure, "file": failure.get("file") or file}))

    with replace_file(path) as binary:
        text = io.TextIOWrapper(binary, encoding="utf-8", errors="backslashreplace", newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        yield Rows()
        text.flush()
