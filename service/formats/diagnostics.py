"""The problems of a project: warnings, and violations, which refuse the project."""

from collections.abc import Mapping
from typing import Any

from service.codes import WarningCode
from service.formats.engine.parsed_record import Faults
from service.model import (
    MAX_LISTED_VIOLATIONS,
    MAX_LISTED_WARNINGS,
    Notice,
    Violation,
    Warnings,
    shorten,
)


class Diagnostics:
    """The warnings and violations of one project. It counts all, and keeps the first ones.

    Attributes:
        warnings: problems that do not refuse the project.
        refused: whether the project has a violation.
    """

    def __init__(self) -> None:
        self.warnings = Warnings()
        self.refused = False
        self._violations: list[Violation] = []
        self._count = 0

    def warn(self, code: WarningCode, line: int, element: str, value: str | None) -> None:
        """Add a warning."""
        self.warnings.add(Notice(code, line, shorten(element), shorten(value)))

    def violate(self, line: int, element: str, value: str | None, problem: str) -> None:
        """Add a violation.

        Args:
            line: where, from 1.
            element: local name of the element or XML attribute; shortened here, as is ``value``.
            value: the file's own text, or None.
            problem: the problem, which follows element and value in the message.
        """
        self.refused = True
        self._count += 1
        if len(self._violations) < MAX_LISTED_VIOLATIONS:
            element, shown = shorten(element), shorten(value)
            subject = element if shown is None else f'{element} "{shown}"'
            self._violations.append(Violation(line, element, shown, f"{subject} {problem}"))

    def report_faults(self, faults: Faults) -> None:
        """Add the faults of one record."""
        for fault in faults.kept:
            if fault.fatal:
                self.violate(fault.line, fault.element, fault.value, fault.problem)
            else:
                self.warn(WarningCode.BAD_VALUE, fault.line, fault.element, fault.value)
        violations, warnings = faults.omitted()
        self._count += violations
        self.warnings.count += warnings

    def absorb(self, other: "Diagnostics") -> None:
        """Add the problems of a part of the project that was read apart."""
        self.refused = self.refused or other.refused
        self._count += other._count
        self._violations += other._violations[: MAX_LISTED_VIOLATIONS - len(self._violations)]
        self.warnings.count += other.warnings.count
        first = self.warnings.first
        first += other.warnings.first[: MAX_LISTED_WARNINGS - len(first)]

    def refusal(self) -> tuple[int, str, Mapping[str, Any]]:
        """Return line, message and further fields of a refused project's refusal."""
        first, more = self._violations[0], self._count - 1
        message = f"{first.message} (and {more} more)" if more else first.message
        shown = [violation.as_dict() for violation in self._violations]
        return first.line, message, {"violations": shown, "violation_count": self._count}
