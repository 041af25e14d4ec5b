"""The problems of a project: warnings, and violations, which refuse the project."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.codes import WarningCode
from service.formats.engine.parsed_record import Fault
from service.model import MAX_LISTED_VIOLATIONS, Notice, Violation, Warnings, shorten


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
        self.warnings.add(Notice(code, line, element, shorten(value)))

    def violate(self, line: int, element: str, value: str | None, problem: str) -> None:
        """Add a violation.

        Args:
            line: where, from 1.
            element: local name of the element or XML attribute.
            value: the file's own text, shortened here, or None.
            problem: the problem, which follows element and value in the message.
        """
        self.refused = True
        self._count += 1
        if len(self._violations) < MAX_LISTED_VIOLATIONS:
            shown = shorten(value)
            subject = element if shown is None else f'{element} "{shown}"'
            self._violations.append(Violation(line, element, shown, f"{subject} {problem}"))

    def report_faults(self, faults: Iterable[Fault]) -> None:
        """Add the faults of one record."""
        for fault in faults:
            if fault.fatal:
                self.violate(fault.line, fault.element, fault.value, fault.problem)
            else:
                self.warn(WarningCode.BAD_VALUE, fault.line, fault.element, fault.value)

    def refusal(self) -> tuple[int, str, Mapping[str, Any]]:
        """Return line, message and further fields of a refused project's refusal."""
        first, more = self._violations[0], self._count - 1
        message = f"{first.message} (and {more} more)" if more else first.message
        shown = [violation.as_dict() for violation in self._violations]
        return first.line, message, {"violations": shown, "violation_count": self._count}
