"""Prints the results of a run, and sums up those of several files."""

import time
from collections import Counter
from collections.abc import Sequence

from service.cli.output import SUCCESS, print_line
from service.cli.upload.report import OUTCOMES, FileReport


class RunResults:
    """The results of a run.

    Args:
        as_json: print a line of JSON for each file.
        is_single: whether the run has one file, whose result is printed whole. Of several files,
            those that failed are printed whole, and all are summed up.
    """

    def __init__(self, *, as_json: bool, is_single: bool) -> None:
        self.exit_code = SUCCESS
        self._as_json = as_json
        self._is_single = is_single
        self._statuses = Counter[str]()
        self._counts = Counter[str]()
        self._warnings = 0
        self._warned_files = 0
        self._imports = 0
        self._size = 0
        self._begun = time.monotonic()

    def print(self, title: str, reports: Sequence[FileReport]) -> None:
        """Print the results of the files of a pack."""
        for report in reports:
            self._add(report)
        self._imports += len({number for report in reports for number in report.imports})
        refusals = {tuple(report.refusals) for report in reports}
        if len(reports) > 1 and len(refusals) == 1 and () not in refusals and not self._as_json:
            print_line(f"{title}: {reports[0].refusals[0]}", style="red")
            return
        for report in reports:
            if self._as_json or self._is_single or report.exit_code != SUCCESS:
                report.print(as_json=self._as_json)

    def _add(self, report: FileReport) -> None:
        self.exit_code = max(self.exit_code, report.exit_code)
        self._statuses[report.status] += report.name is not None  # not what belongs to no file
        self._counts.update(report.counts)
        warnings = report.warning_count + len(report.file_warnings)
        self._warnings += warnings
        self._warned_files += warnings > 0
        self._size += report.bytes

    def print_sum(self) -> None:
        """Print the sum of the results of several files."""
        if self._is_single or self._as_json:
            return
        seconds = max(time.monotonic() - self._begun, 0.001)
        statuses = ", ".join(f"{number} {status}" for status, number in self._statuses.items())
        megabytes = self._size / 1e6
        print_line(
            f"{self._statuses.total()} files: {statuses}; {megabytes:.1f} MB "
            f"in {seconds:.1f} s ({megabytes / seconds:.1f} MB/s)"
        )
        counts = ", ".join(f"{self._counts[each]} {each}" for each in OUTCOMES)
        print_line(f"  {_number(self._imports, 'import')}: {counts}")
        if self._warnings:
            warnings, files = (
                _number(self._warnings, "warning"),
                _number(self._warned_files, "file"),
            )
            print_line(f"  {warnings} in {files}; --json lists them")


def _number(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
