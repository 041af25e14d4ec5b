"""Groups the failures of a run by their causes, so that thousands of them fit on a screen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from service.cli.output import MAX_CELL, print_line, print_wrapped, shorten
from service.imports.failure_causes import Cause, iter_causes, suggest_remedy

MAX_CAUSES: Final = 200
"""Causes that are counted one by one; the failures of further ones are counted together."""
SHOWN_CAUSES: Final = 10
"""Causes that are printed."""
INDENT: Final = 10
"""Columns before what belongs to a cause."""
_PLACES: Final = 3
"""Places of a cause that are printed."""


class FailureRows(Protocol):
    """Takes all failures of files, such as the writer of a CSV."""

    def write(self, file: str, failure: Mapping[str, Any], /) -> None: ...


@dataclass
class _Group:
    """The failures with one cause.

    Attributes:
        remedy: what to do, with the value of the first one.
        places: the first places, each once.
        further: number of the other ones.
        times: number of occurrences.
    """

    remedy: str
    places: list[str] = field(default_factory=list)
    further: int = 0
    times: int = 0

    def add(self, place: str, times: int = 1) -> None:
        """Add an occurrence."""
        self.times += times
        if place in self.places:
            return
        if len(self.places) < _PLACES:
            self.places.append(place)
        else:
            self.further += times


class FailureGroups:
    """The failures of a run by cause, in bounded memory.

    Args:
        rows: takes all failures as well.
    """

    def __init__(self, rows: FailureRows | None = None) -> None:
        self._rows = rows
        self._groups: dict[Cause, _Group] = {}
        self._others = 0

    def write(self, file: str, failure: Mapping[str, Any], /) -> None:
        """Add a failed project or file.

        Args:
            file: path of the file that was sent.
        """
        if self._rows is not None:
            self._rows.write(file, failure)
        for cause, line, value, times in iter_causes(failure):
            within = str(failure.get("file") or file)
            place = within if line is None else f"{within}:{line}"
            if failure.get("kind") != "file" and (project := failure.get("external_id")):
                place = f"{place} ({shorten(str(project), MAX_CELL)})"
            shown = None if value is None else shorten(str(value), 60)
            self._add(cause, place, times, shown, failure.get("message"))

    def add_refusal(self, file: str, problem: str) -> None:
        """Add a file that was not accepted, or could not be sent or read."""
        self._add(Cause("", None, shorten(problem, MAX_CELL)), file)

    def _add(
        self,
        cause: Cause,
        place: str,
        times: int = 1,
        value: str | None = None,
        message: object = None,
    ) -> None:
        code, element, reason = (part and shorten(str(part), MAX_CELL) for part in cause)
        cause = Cause(code or "", element, reason or "")
        group = self._groups.get(cause)
        if group is None:
            if len(self._groups) >= MAX_CAUSES:
                self._others += times
                return
            remedy = suggest_remedy(cause, value, None if message is None else str(message))
            group = self._groups[cause] = _Group(shorten(remedy, MAX_CELL))
        group.add(shorten(place, MAX_CELL), times)

    def print(self) -> None:
        """Print the causes, the most frequent first."""
        if not self._groups:
            return
        ordered = sorted(self._groups.items(), key=lambda item: -item[1].times)
        print_line("Failures, by cause:")
        for cause, group in ordered[:SHOWN_CAUSES]:
            code = f"{cause.code}: " if cause.code else ""
            print_cause(group.times, f"{code}{cause.describe()}", style="red")
            if group.remedy:
                print_wrapped(group.remedy, INDENT)
            more = f" and {group.further:,} more" if group.further else ""
            print_wrapped(f"{', '.join(group.places)}{more}", INDENT)
        left = ordered[SHOWN_CAUSES:]
        others = sum(group.times for _, group in left) + self._others
        if others:
            plus = "+" if self._others else ""
            causes = "1 further cause" if len(left) == 1 and not plus else ""
            causes = causes or f"{len(left)}{plus} further causes"
            print_wrapped(f"{others:>7,} with {causes}: --csv FILE or --json lists them")


def print_cause(times: int, text: str, *, style: str = "") -> None:
    """Print how often a cause occurred, and its description."""
    print_wrapped(f"{times:>{INDENT - 3},} × {text}", hanging=INDENT, style=style)
