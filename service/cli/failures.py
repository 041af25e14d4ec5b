"""What became of files: as people read it, as a line of JSON, and as CSV."""

import contextlib
import csv
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import orjson
from rich.table import Table

from service.cli.screen import Failure, console
from service.cli.splitting import Piece
from service.codes import WarningCode
from service.http.routes.results_csv import COLUMNS, escape_cell, format_cells

LANDED, FAILED, REFUSED = 0, 1, 2
"""Codes that commands end with."""
SHOWN: Final = 20
"""Rows of a table; the rest is counted."""
KEPT: Final = 1000
"""Failures and warnings in a line of JSON; the rest is counted."""

OUTCOMES: Final = ("created", "updated", "unchanged", "failed")
FAILURE: Final = ("line", "project", "error", "message")
WARNING: Final = ("line", "project", "warning", "element", "value")
"""Columns of the tables."""
_LINE: Final = re.compile(r"\bline (\d+)")


class Rows(Protocol):
    """Takes the rows of a CSV."""

    def writerow(self, row: Sequence[Any], /) -> Any: ...


class Report:
    """What became of one file; of its failures and warnings it keeps the first and counts the rest.

    Args:
        file: its name.
        rows: takes the failures as CSV, all of them.
    """

    def __init__(self, file: str, rows: Rows | None = None) -> None:
        self.file = file
        self.counts = dict.fromkeys(OUTCOMES, 0)
        self.imports: list[int] = []
        self.failures: list[Mapping[str, Any]] = []
        self.warnings: list[tuple[Any, ...]] = []
        self.warned = 0
        self.refusals: list[str] = []
        self.unsent = False
        self.dry_run = False
        self.key = ""
        self.pieces = 1
        self.bytes = 0
        self.bytes_sent = 0
        self.of_file: dict[str, dict[str, Any]] = {}
        self._rows = rows

    def fail(self, item: Mapping[str, Any]) -> None:
        """A project that did not land."""
        if len(self.failures) < KEPT:
            self.failures.append(item)
        if self._rows is not None:
            self._rows.writerow([escape_cell(self.file), *format_cells(item)])

    def land(self, item: Mapping[str, Any]) -> None:
        """A project that landed, perhaps with warnings."""
        warnings = item.get("warnings") or {"count": 0, "first": []}
        self.warned += warnings["count"]
        for each in warnings["first"]:
            if len(self.warnings) < KEPT:
                seen = each["code"], each["element"], each["value"]
                self.warnings.append((each["line"], item["external_id"], *seen))

    def warn(self, warning: Mapping[str, Any]) -> None:
        """A warning about a file, or a piece of one."""
        known = self.of_file.setdefault(warning["code"], dict(warning) | {"count": 0})
        known["count"] += warning.get("count") or 1

    def end(self, import_id: int | None, counts: Mapping[str, int], *, dry_run: bool) -> None:
        """An import of the file, or of a piece of it, has ended."""
        if import_id is not None:
            self.imports.append(import_id)
        for outcome, number in counts.items():
            self.counts[outcome] = self.counts.get(outcome, 0) + number
        self.dry_run = dry_run

    @property
    def code(self) -> int:
        """``LANDED``, ``FAILED`` where some projects failed, or ``REFUSED``."""
        if self.refusals:
            return REFUSED
        return FAILED if self.counts["failed"] else LANDED

    @property
    def status(self) -> str:
        """In one word, as the service has it."""
        if self.refusals:
            return "unsent" if self.unsent else "refused"
        failed = self.counts["failed"]
        if not failed:
            return "success"
        return "partial" if failed < sum(self.counts.values()) else "error"

    @property
    def message(self) -> str:
        """In one sentence, as the service has it."""
        total = sum(self.counts.values())
        landed = total - self.counts["failed"]
        if self.dry_run:
            return f"Dry run: {landed} of {total} projects would be imported"
        if landed == total:
            return "Projects successfully imported"
        return f"{landed} of {total} projects imported"

    def as_json(self) -> str:
        """The file's line."""
        warnings = ("line", "external_id", "code", "element", "value")
        told = {
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
            "warnings": [dict(zip(warnings, row, strict=True)) for row in self.warnings],
            "warnings_omitted": self.warned - len(self.warnings),
            "file_warnings": [*self.of_file.values()],
        }
        return orjson.dumps(told).decode()

    def show(self) -> None:
        """Print it for people."""
        out = console()
        for refusal in self.refusals:
            out.print(f"{self.file}: {refusal}", style="red")
        if self.refusals and not self.imports:
            return
        out.print(f"{self.file}: {self.status}, {self.message}")
        told = ", ".join(f"{number} {outcome}" for outcome, number in self.counts.items())
        out.print(f"  {_imports(self.imports)}: {told}")
        failures = [
            (item["line"], item["external_id"] or item["name"], item["error"], item["message"])
            for item in self.failures[:SHOWN]
        ]
        table("Failures", FAILURE, failures, self.counts["failed"])
        warnings: list[tuple[Any, ...]] = [
            (None, "the file", each["code"], None, f"{each['message']} ({each['count']})")
            for each in self.of_file.values()
        ]
        shown = [*warnings, *self.warnings][:SHOWN]
        table("Warnings", WARNING, shown, len(warnings) + self.warned)


class Piecewise:
    """Takes the outcomes of one piece into the report of its file, each of them once.

    Indexes and lines are told as they are in the file. What is read a second time, as the answer
    broke off at the first, is passed over: outcomes come in the order of their indexes.

    Args:
        report: of the file.
        piece: of the file.
    """

    def __init__(self, report: Report, piece: Piece) -> None:
        self.report = report
        self._piece = piece
        self._landed = -1
        self._failed = -1

    def land(self, item: dict[str, Any]) -> None:
        """A project that landed."""
        if item["index"] <= self._landed:
            return
        self._landed = item["index"]
        self.report.land(self._placed(item))

    def fail(self, item: dict[str, Any]) -> None:
        """A project that did not."""
        if item["index"] <= self._failed:
            return
        self._failed = item["index"]
        self.report.fail(self._placed(item))

    def warn(self, warning: Mapping[str, Any]) -> None:
        """A warning about the file, but for one that is true of the piece alone."""
        uncut = self._piece.following is None
        if uncut or warning["code"] != WarningCode.SHARED_OBJECTS_UNUSED:
            self.report.warn(warning)

    def placed(self, text: str) -> str:
        """A text with the lines that it names."""
        return _LINE.sub(lambda found: f"line {self._piece.line(int(found[1]))}", text)

    def _placed(self, item: dict[str, Any]) -> dict[str, Any]:
        if self._piece.following is None:
            return item
        placed = self._in_file(item) | {"index": self._piece.index(item["index"])}
        if "message" in placed:
            placed["message"] = self.placed(placed["message"])
        for name in ("violations", "first"):
            if name in placed:
                placed[name] = [self._in_file(each) for each in placed[name]]
        if isinstance(warnings := placed.get("warnings"), dict):
            first = [self._in_file(each) for each in warnings["first"]]
            placed["warnings"] = warnings | {"first": first}
        return placed

    def _in_file(self, item: Mapping[str, Any]) -> dict[str, Any]:
        line = item.get("line")
        return dict(item) if line is None else dict(item) | {"line": self._piece.line(line)}


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], total: int | None = None
) -> None:
    """Print rows, and how many more there are of ``total``."""
    if not rows:
        return
    drawn = Table(*columns, title=title or None, title_justify="left")
    for row in rows:
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    out = console()
    out.print(drawn)
    if total is not None and total > len(rows):
        out.print(f"  and {total - len(rows)} more")


@contextlib.contextmanager
def csv_at(path: Path | None) -> Iterator[Rows | None]:
    """A CSV of failures that is there once the block has ended, and not at all if it is cut short.

    Raises:
        Failure: it cannot be written.
    """
    if path is None:
        yield None
        return
    try:
        descriptor, made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}") from error
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["file", *COLUMNS])
            yield rows
        os.chmod(made, 0o644)
        os.replace(made, path)
    except BaseException:
        os.unlink(made)
        raise


def _imports(ids: Sequence[int]) -> str:
    if len(ids) == 1:
        return f"import {ids[0]}"
    return f"{len(ids)} imports, {ids[0]} to {ids[-1]}" if ids else "no import"
