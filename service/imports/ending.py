"""How an import ends before its file does.

    what was raised               state         the caller is told
    FileRefused, FileTooLarge     failed        400, 413: no project was complete
    Stopped                       as it says    as it says: client gone, silence, shutdown, …
    Unavailable                   interrupted   503: the database stayed away
    OSError                       interrupted   503: the spool is full or broken
    Fenced                        (another's)   503: the import was ended or taken over elsewhere
    anything else                 failed        500: a fault of ours

An import whose file is read to its end is ``completed``: see ``pipeline.Import.finish``.
"""

from dataclasses import dataclass
from typing import Final, Literal

import structlog

from service.errors import FileRefused, FileTooLarge, InternalError, ServiceError, Unavailable
from service.storage.db_errors import LeaseLost

_log = structlog.get_logger()

State = Literal["failed", "interrupted", "cancelled"]


NO_ROOM: Final = "There is no room for the import's working files"


class ImportStopped(Exception):
    """Somebody wants the import to end.

    Args:
        state: what the import is then.
        error: why, and what its uploader is told.
        cause: why, as its row has it; by default, what the uploader is told.
    """

    def __init__(self, state: State, error: ServiceError, cause: str | None = None) -> None:
        super().__init__(error.details)
        self.state = state
        self.error = error
        self.cause = cause or error.details


@dataclass(frozen=True, slots=True)
class ImportEnding:
    """The state and cause that are stored, and the error that the uploader is told."""

    state: State
    cause: str
    error: ServiceError


def ending_for(fault: BaseException) -> ImportEnding:
    """The ending that a fault calls for, by the table above."""
    match fault:
        case FileRefused() | FileTooLarge():
            return ImportEnding("failed", fault.details, fault)
        case ImportStopped(state=state, error=error, cause=cause):
            return ImportEnding(state, cause, error)
        case Unavailable():
            return ImportEnding("interrupted", fault.details, fault)
        case OSError():
            _log.error("spool", fault=repr(fault))
            error = Unavailable(NO_ROOM)
            return ImportEnding("interrupted", error.details, error)
        case LeaseLost():
            error = Unavailable("The import was ended or taken over elsewhere")
            return ImportEnding("interrupted", error.details, error)
        case _:
            _log.error("import failed", exc_info=fault)
            error = InternalError()
            return ImportEnding("failed", error.details, error)
