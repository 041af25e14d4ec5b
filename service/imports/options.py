"""What an upload asks for beside its file."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final


class Mode(StrEnum):
    """Which projects may land: all, only new ones, or only known ones."""

    UPSERT = "upsert"
    CREATE = "create"
    UPDATE = "update"


class OutcomeFilter(StrEnum):
    """Which outcomes an answer lists."""

    ALL = "all"
    ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of an import, as its row stores them.

    Attributes:
        mode: which projects may land.
        atomic: all of them or none.
        dry_run: everything but the commit.
        outcomes: which of them the answer lists.
        undo: the import that is undone, where this is one that undoes.
    """

    mode: Mode = Mode.UPSERT
    atomic: bool = False
    dry_run: bool = False
    outcomes: OutcomeFilter = OutcomeFilter.ALL
    undo: int | None = None

    def as_dict(self) -> dict[str, Any]:
        if self.undo is not None:
            return {"undo": self.undo}
        return {name: value for name, value in asdict(self).items() if name != "undo"}


DEFAULT_OPTIONS: Final = ImportOptions()
"""Those of an upload that asks for nothing."""
