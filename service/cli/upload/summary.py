"""Prints the results of a run: failures and warnings by cause, then a total."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from service.cli.output import (
    MAX_CELL,
    SUCCESS,
    format_size,
    print_json,
    print_line,
    print_wrapped,
    shorten,
)
from service.cli.upload.failures import INDENT, FailureGroups, FailureRows, print_cause
from service.cli.upload.report import OUTCOMES, FileReport
from service.codes import WarningCode

_WORDS: Final = {
    "success": "imported",
    "partial": "partial",
    "error": "failed",
    "refused": "refused",
    "unsent": "not sent",
}
"""The words for the status of a file, by that in JSON."""
_SHOWN_WARNINGS: Final = 5


class RunResults:
    """The results of a run.

    Args:
        as_json: print a line of JSON for each file.
        is_single: whether the run has one file or import, which a line describes by itself.
        rows: takes all failures as well.

    Attributes:
        failures: takes all failures of the run.
    """

    def __init__(self, *, as_json: bool, is_single: bool, rows: FailureRows | None = None) -> None:
        self.exit_code = SUCCESS
        self.failures = FailureGroups(rows)
        self._as_json = as_json
        self._is_single = is_single
        self._statuses = Counter[str]()
        self._counts = Counter[str]()
        self._imports = set[int]()
        self._warnings = Counter[tuple[str, str]]()
        self._first_warnings: dict[tuple[str, str], str] = {}
        self._size = 0
        self._sent = 0
        self._lines: list[str] = []
        self._begun = time.monotonic()

    def add(self, reports: Sequence[FileReport]) -> None:
        """Add the results of files; print them at once as JSON."""
        for report in reports:
            self.exit_code = max(self.exit_code, report.exit_code)
            self._statuses[report.status] += report.name is not None  # not what has no file
            self._counts.update(report.counts)
            self._imports.update(report.imports)
            self._size += report.bytes
            self._sent += report.bytes_sent
            self._add_warnings(report)
            if self._as_json:
                print_json(report.to_json())
            elif self._is_single:
                self._describe(report)
            else:
                for problem in report.refusals:
                    self.failures.add_refusal(report.file, problem)

    def _describe(self, report: FileReport) -> None:
        for problem in report.problems:
            print_line(f"{report.file}: {problem}", style="red")
        if not report.is_refused or any(report.counts.values()):
            self._lines.append(f"{report.file}: {report.status}, {report.message}")

    def _add_warnings(self, report: FileReport) -> None:
        for warning in report.file_warnings.values():
            where = warning.get("file") or report.file
            self._warn(warning["code"], None, f"{where}: {warning['message']}", warning["count"])
        for line, project, code, element, value in report.warnings:
            text = "" if value is None else f' "{value}"'
            self._warn(code, element, f"{report.file}:{line} ({project}){text}")
        if left := report.warning_count - len(report.warnings):
            self._warn("", None, "not listed in the answer", left)

    def _warn(self, code: object, element: object, place: str, times: int = 1) -> None:
        key = str(code), str(element or "")
        if key in self._warnings or len(self._warnings) < 1000:
            self._warnings[key] += times
            self._first_warnings.setdefault(key, shorten(place, MAX_CELL))
        else:
            self._warnings["", ""] += times

    def print(self) -> None:
        """Print failures and warnings by cause, and the total; in JSON, nothing."""
        if self._as_json:
            return
        if self._lines or (self._statuses and not self._is_single):  # else nothing ended
            self._print_warnings()
            self.failures.print()
            self._print_total()

    def _print_warnings(self) -> None:
        if not self._warnings:
            return
        known = WarningCode.__members__
        print_line("Warnings, by cause:")
        ordered = self._warnings.most_common()
        for (code, element), times in ordered[:_SHOWN_WARNINGS]:
            about = known[code].cause.replace("`", "").partition(". ")[0] if code in known else ""
            parts = [part.rstrip(".") for part in (code or "others", element, about) if part]
            print_cause(times, ": ".join(parts))
            print_wrapped(self._first_warnings.get((code, element), ""), INDENT)
        if left := sum(times for _, times in ordered[_SHOWN_WARNINGS:]):
            print_line(f"{left:>7,} others: --json lists them")

    def _print_total(self) -> None:
        seconds = max(time.monotonic() - self._begun, 0.001)
        for line in self._lines:
            print_wrapped(line, hanging=2)
        size = ""
        if self._sent:
            rate = self._sent / 1e6 / seconds
            rates = f"({rate:.1f} MB/s, {self._counts.total() / seconds:.0f} projects/s)"
            size = f"; {format_size(self._size)} in {seconds:.1f} s {rates}"
        if not self._is_single:
            found = self._statuses
            words = ", ".join(f"{found[each]} {_WORDS[each]}" for each in _WORDS if found[each])
            print_wrapped(f"{_number(found.total(), 'file')}: {words}{size}", hanging=2)
            size = ""
        if self._imports or any(self._counts.values()):
            counts = ", ".join(f"{self._counts[each]} {each}" for each in OUTCOMES)
            print_wrapped(f"{_describe_imports(self._imports)}: {counts}{size}", 2, hanging=2)


def _describe_imports(ids: set[int]) -> str:
    if len(ids) == 1:
        return f"import {min(ids)}"
    return f"{len(ids)} imports, {min(ids)} to {max(ids)}" if ids else "no import"


def _number(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
