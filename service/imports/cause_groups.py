"""Groups the failures or the warnings of an import by their causes.

Thousands of failures mostly have a few causes. A group counts the projects that have its cause, and
keeps the first of them as examples.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from service.codes import ErrorCode, WarningCode
from service.imports.failure_causes import (
    FURTHER,
    Cause,
    Occurrence,
    iter_causes,
    suggest_remedy,
)
from service.imports.outcomes import FAILED, IMPORTED, OutcomeQuery

EXAMPLES: Final = 3
"""Projects and files that a group lists."""
CAUSE_ID: Final = re.compile(r"([A-Z_]{1,40})-[0-9a-f]{12}", re.ASCII)


class Subject(StrEnum):
    """What is grouped."""

    FAILURES = "failures"
    WARNINGS = "warnings"

    def query(self) -> OutcomeQuery:
        """Return the query for the outcomes that have it."""
        if self is Subject.FAILURES:
            return OutcomeQuery(kinds=FAILED)
        return OutcomeQuery(kinds=IMPORTED, warned=True)


class CauseFilter(NamedTuple):
    """Selects the outcomes that have a cause.

    Attributes:
        id: of the cause.
        code: of the cause; None if there is no such code.
    """

    id: str
    code: ErrorCode | WarningCode | None

    def matches(self, outcome: Mapping[str, Any]) -> bool:
        """Return whether an outcome, as ``format_outcome`` returns it, has the cause."""
        return any(cause.id == self.id for cause in {each.cause for each in _iter_any(outcome)})


def parse_cause(text: str) -> CauseFilter | None:
    """Return the filter for the id of a cause; None if the text is no such id."""
    found = CAUSE_ID.fullmatch(text)
    if found is None:
        return None
    code = ErrorCode.__members__.get(found[1]) or WarningCode.__members__.get(found[1])
    return CauseFilter(text, code)


def iter_warning_causes(outcome: Mapping[str, Any]) -> Iterator[Occurrence]:
    """Yield the causes of the warnings of an imported project: their codes and elements.

    Args:
        outcome: as the API returns it.
    """
    warnings = outcome["warnings"]
    for each in warnings["first"]:
        cause = Cause(each["code"], each["element"], _describe(each["code"]))
        yield Occurrence(cause, each["line"], each["value"])
    if (left := warnings["count"] - len(warnings["first"])) > 0:
        yield Occurrence(Cause("", None, FURTHER), outcome["line"], times=left)


def _iter_any(outcome: Mapping[str, Any]) -> Iterator[Occurrence]:
    return iter_causes(outcome) if "error" in outcome else iter_warning_causes(outcome)


def _describe(code: str) -> str:
    known = WarningCode.__members__.get(code)
    return code if known is None else known.cause.replace("`", "").rstrip(".")


class CauseGroups:
    """The groups of the outcomes that were added, the largest first.

    Args:
        subject: what is grouped.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._groups: dict[Cause, dict[str, Any]] = {}
        self._unlisted = 0

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, outcome: Mapping[str, Any]) -> None:
        """Add an outcome.

        Args:
            outcome: as ``format_outcome`` returns it.
        """
        seen: set[Cause] = set()
        for each in _iter_any(outcome):
            if each.cause.reason == FURTHER:
                self._unlisted += each.times
                continue
            group = self._groups.get(each.cause)
            if group is None:
                group = self._groups[each.cause] = self._new_group(each, outcome)
            group["times"] += 1
            if each.cause not in seen:
                seen.add(each.cause)
                group["files" if outcome.get("kind") == "file" else "projects"] += 1
                if len(group["examples"]) < EXAMPLES:
                    group["examples"].append(_example(each, outcome))

    def _new_group(self, first: Occurrence, outcome: Mapping[str, Any]) -> dict[str, Any]:
        cause = first.cause
        failed = self._subject is Subject.FAILURES
        if failed:
            remedy = suggest_remedy(cause, first.value, outcome["message"])
        else:
            known = WarningCode.__members__.get(cause.code)
            remedy = "" if known is None else known.remedy.replace("`", "")
        return {
            "cause": cause.id,
            "error": cause.code if failed else None,
            "warning": None if failed else cause.code,
            "element": cause.element,
            "reason": cause.reason,
            "remedy": remedy,
            "projects": 0,
            "files": 0,
            "times": 0,
            "examples": [],
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the groups, and how many faults the outcomes count without listing them."""
        groups = sorted(self._groups.values(), key=lambda each: -each["projects"] - each["files"])
        return {"causes": groups, "unlisted": self._unlisted}


def _example(each: Occurrence, outcome: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: outcome[name] for name in ("index", "external_id", "name", "file")}
    return {**kept, "line": each.line, "value": each.value}
