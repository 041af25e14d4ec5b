"""Reports the result of a file: as tables, as a line of JSON, and as CSV."""

import contextlib
import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from service.cli.output import (
    MAX_ROWS,
    PROJECTS_FAILED,
    REFUSED,
    SUCCESS,
    print_json,
    print_line,
    print_table,
    replace_file,
)
from service.cli.upload.split import Piece, whole_file
from service.codes import ErrorCode, WarningCode
from service.imports.outcomes import summarize
from service.model import Place, format_duplicate

KEPT: Final = 1000
"""Largest number of failures and of warnings in a line of JSON; a member counts the others."""
KEPT_SIZE: Final = 4 * 1024 * 1024
"""Largest total size of what is kept, in characters; the outcomes of the service need much less."""
OUTCOMES: Final = ("created", "updated", "unchanged", "failed")
_FAILURE: Final = ("line", "project", "error", "message")
_WARNING: Final = ("line", "project", "warning", "element", "value")
_WARNING_MEMBERS: Final = ("line", "external_id", "code", "element", "value")


class FailureRows(Protocol):
    """Writes the failures of files as rows of a CSV."""

    def write(self, file: str, failure: Mapping[str, Any], /) -> None: ...


class FileReport:
    """The result of one file. It keeps the first failures and warnings, and counts the others.

    Args:
        file: name of the file.
        rows: writes all failures as CSV.
        undo: whether the import is an undo.
    """

    def __init__(self, file: str, rows: FailureRows | None = None, *, undo: bool = False) -> None:
        self.file = file
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
        self.file_warnings: dict[str, dict[str, Any]] = {}
        self._room = KEPT_SIZE
        self._rows = rows
        self._undo = undo

    def take_room(self, value: object) -> bool:
        """Return whether there is room to keep a value from an answer."""
        self._room -= len(json.dumps(value))
        return self._room >= 0

    def add_failure(self, item: Mapping[str, Any]) -> None:
        """Add a project that failed."""
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
        """Add a warning about the file, or about a piece of it."""
        code = warning["code"]
        if code not in self.file_warnings and self.take_room(warning):
            self.file_warnings[code] = dict(warning) | {"count": 0}
        if code in self.file_warnings:
            self.file_warnings[code]["count"] += warning.get("count") or 1

    def add_import(
        self, import_id: int | None, counts: Mapping[str, int], *, dry_run: bool
    ) -> None:
        """Add the counts of an import of the file, or of a piece of it."""
        if import_id is not None:
            self.imports.append(import_id)
        for outcome, number in counts.items():
            if outcome in self.counts or self.take_room(outcome):
                self.counts[outcome] = self.counts.get(outcome, 0) + number
        self.dry_run = dry_run

    @property
    def exit_code(self) -> int:
        """``SUCCESS``, ``PROJECTS_FAILED`` or ``REFUSED``."""
        if self.refusals:
            return REFUSED
        return PROJECTS_FAILED if self.counts["failed"] else SUCCESS

    @property
    def status(self) -> str:
        """The status of the service's response; without a response, ``refused`` or ``unsent``."""
        if self.refusals:
            return "unsent" if self.unsent else "refused"
        return self._summary[0]

    @property
    def message(self) -> str:
        """The result in one sentence, with the wording of the service."""
        return self._summary[1]

    @property
    def _summary(self) -> tuple[str, str]:
        return summarize(self.counts, dry_run=self.dry_run, undo=self._undo)

    def to_json(self) -> dict[str, Any]:
        """Return the result as the members of a line of JSON."""
        return {
            "file": self.file,
            "status": self.status,
            "message": self.message,
            "refusals": self.refusals,
            "key": self.key,
            "import_ids": self.imports,
            "pieces": self.pieces,
            "bytes": self.bytes,
            "bytes_sent": self.bytes_sent,
            "counts": self.counts,
            "failures": self.failures,
            "failures_omitted": self.counts["failed"] - len(self.failures),
            "warnings": [dict(zip(_WARNING_MEMBERS, row, strict=True)) for row in self.warnings],
            "warnings_omitted": self.warning_count - len(self.warnings),
            "file_warnings": [*self.file_warnings.values()],
        }

    def print(self, *, as_json: bool) -> None:
        """Print the result, as tables or as a line of JSON."""
        if as_json:
            print_json(self.to_json())
            return
        for refusal in self.refusals:
            print_line(f"{self.file}: {refusal}", style="red")
        if self.refusals and not self.imports:
            return
        print_line(f"{self.file}: {self.status}, {self.message}")
        counts = ", ".join(f"{number} {outcome}" for outcome, number in self.counts.items())
        print_line(f"  {_describe_imports(self.imports)}: {counts}")
        failures = [
            (item["line"], item["external_id"] or item["name"], item["error"], item["message"])
            for item in self.failures[:MAX_ROWS]
        ]
        print_table("Failures", _FAILURE, failures, self.counts["failed"])
        warnings: list[tuple[Any, ...]] = [
            (None, "the file", each["code"], None, f"{each['message']} ({each['count']})")
            for each in self.file_warnings.values()
        ]
        total = len(warnings) + self.warning_count
        print_table("Warnings", _WARNING, [*warnings, *self.warnings][:MAX_ROWS], total)


class PieceReport:
    """Adds the outcomes of one piece to the report of its file, each of them once.

    It converts indexes and lines to those of the file. Outcomes arrive in the order of their
    indexes. After a response that broke off, it skips the outcomes that it reads a second time.

    Args:
        file: the report of the file.
        piece: of the file; by default the whole file.
    """

    def __init__(self, file: FileReport, piece: Piece | None = None) -> None:
        self.file = file
        self._piece = piece or whole_file(0)
        self._last_success = -1
        self._last_failure = -1

    def add_success(self, item: dict[str, Any]) -> None:
        """Add a project that was imported."""
        if item["index"] > self._last_success:
            self._last_success = item["index"]
            self.file.add_success(self._convert(item))

    def add_failure(self, item: dict[str, Any]) -> None:
        """Add a project that failed."""
        if item["index"] > self._last_failure:
            self._last_failure = item["index"]
            self.file.add_failure(self._convert(item))

    def add_file_warning(self, warning: Mapping[str, Any]) -> None:
        """Add a warning about the file, unless it applies only to the piece."""
        if self._piece.is_whole_file or warning["code"] != WarningCode.SHARED_OBJECTS_UNUSED:
            self.file.add_file_warning(warning)

    def _convert(self, item: dict[str, Any]) -> dict[str, Any]:
        if self._piece.is_whole_file:
            return item
        item = self._convert_line(item) | {"index": self._piece.index_in_file(item["index"])}
        if item.get("error") == ErrorCode.DUPLICATE_PROJECT:
            first_line = self._piece.line_in_file(item["first_line"])
            message = format_duplicate(Place(item["first_file"], first_line), item["file"])
            item |= {"first_line": first_line, "message": message}
        if "violations" in item:
            item["violations"] = [*map(self._convert_line, item["violations"])]
        if warnings := item.get("warnings"):
            first = [*map(self._convert_line, warnings["first"])]
            item["warnings"] = warnings | {"first": first}
        return item

    def _convert_line(self, item: Mapping[str, Any]) -> dict[str, Any]:
        line = item.get("line")
        return dict(item) if line is None else {**item, "line": self._piece.line_in_file(line)}


@contextlib.contextmanager
def write_failures(path: Path | None) -> Iterator[FailureRows | None]:
    """Yield a writer of a CSV of failures, with the columns of the service's CSV after the file.

    The CSV appears when the block ends. After an error, it does not appear.

    Raises:
        CommandError: the CSV cannot be written.
    """
    if path is None:
        yield None
        return
    from service.http.routes.results import COLUMNS, escape_cell, format_cells

    class Rows:
        def write(self, file: str, failure: Mapping[str, Any], /) -> None:
            writer.writerow([escape_cell(file), *format_cells(failure)])

    with replace_file(path) as binary:
        text = io.TextIOWrapper(binary, encoding="utf-8", errors="backslashreplace", newline="")
        writer = csv.writer(text)
        writer.writerow(["file", *COLUMNS])
        yield Rows()
        text.flush()


def _describe_imports(ids: Sequence[int]) -> str:
    if len(ids) == 1:
        return f"import {ids[0]}"
    return f"{len(ids)} imports, {ids[0]} to {ids[-1]}" if ids else "no import"
