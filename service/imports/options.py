"""The options of an import."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Mode(StrEnum):
    """Which projects an import may write: all, only new ones, or only known ones."""

    UPSERT = "upsert"
    CREATE = "create"
    UPDATE = "update"


class OutcomeFilter(StrEnum):
    """Which outcomes the response lists."""

    ALL = "all"
    ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of an import, as its row stores them.

    Attributes:
        mode: which projects the import may write.
        atomic: write all projects or none.
        dry_run: do everything but the commit.
        outcomes: which outcomes the response lists.
        if_newer: refuse a project whose file is older than the stored version.
        undo: the import to undo, if this is an undo.
    """

    mode: Mode = Mode.UPSERT
    atomic: bool = False
    dry_run: bool = False
    outcomes: OutcomeFilter = OutcomeFilter.ALL
    if_newer: bool = False
    undo: int | None = None

    def as_dict(self) -> dict[str, Any]:
        if self.undo is not None:
            return {"undo": self.undo}
        options = {
            "mode": self.mode,
            "atomic": self.atomic,
            "dry_run": self.dry_run,
            "outcomes": self.outcomes,
        }
        # Absent unless set: the options of an import that began before the option existed are
        # compared with those of its repetition.
        return options | {"if_newer": True} if self.if_newer else options


DEFAULT_OPTIONS: Final = ImportOptions()
"""The options of an upload without a query."""
