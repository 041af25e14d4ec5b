"""What is wrong with a project, and whether it can land all the same."""

from collections.abc import Mapping
from typing import Any

from service.codes import WarningCode
from service.formats.engine.record_parser import Fault
from service.model import MAX_LISTED_VIOLATIONS, Notice, Violation, Warnings, shorten


class Diagnostics:
    """The warnings and violations of one project: all are counted, the first are kept.

    Attributes:
        warnings: what does not keep the project from landing.
        refused: whether something does.
    """

    def __init__(self) -> None:
        self.warnings = Warnings()
        self.refused = False
        self._violations: list[Violation] = []
        self._count = 0

    def warn(self, code: WarningCode, line: int, element: str, value: str | None) -> None:
        """Tell of something that does not keep the project from landing."""
        self.warnings.add(Notice(code, line, element, shorten(value)))

    def violate(self, line: int, element: str, value: str | None, problem: str) -> None:
        """Tell of something that does.

        Args:
            line: where, from 1.
            element: local name of the element or XML attribute.
            value: the file's own text, shortened here, or None.
            problem: what is wrong, to be read behind the two.
        """
        self.refused = True
        self._count += 1
        if len(self._violations) < MAX_LISTED_VIOLATIONS:
            shown = shorten(value)
            said = element if shown is None else f'{element} "{shown}"'
            self._violations.append(Violation(line, element, shown, f"{said} {problem}"))

    def tell(self, faults: list[Fault]) -> None:
        """Tell of the faults of one record."""
        for fault in faults:
            if fault.fatal:
                self.violate(fault.line, fault.element, fault.value, fault.problem)
            else:
                self.warn(WarningCode.BAD_VALUE, fault.line, fault.element, fault.value)

    def refusal(self) -> tuple[int, str, Mapping[str, Any]]:
        """Line, message and further fields of a refusal; only where ``refused``."""
        first, more = self._violations[0], self._count - 1
        message = f"{first.message} (and {more} more)" if more else first.message
        shown = [violation.as_dict() for violation in self._violations]
        return first.line, message, {"violations": shown, "violation_count": self._count}
