"""How an import ends before its work completes.

    fault                         state          error for the uploader
    FileRefused, FileTooLarge     failed         400, 413: no project was complete
    ImportStopped                 as it states   as it states: client gone, time-out, shutdown, …
    Unavailable                   interrupted    503: the database is away, or lost commits
    OSError                       interrupted    503: the spool is full or broken
    LeaseLost                     (unchanged)    503: another process ended it or took it over
    any other                     failed         500: a fault of the service

What would be ``interrupted`` is ``cancelled``, 409, if a cancel was requested: see ``end_import``.
An import whose file is read to its end is ``completed``: see ``UploadSession.finish``.
"""

from dataclasses import dataclass
from typing import Final, Literal

import structlog

from service.errors import FileRefused, FileTooLarge, InternalError, ServiceError, Unavailable
from service.imports.lease import LeaseLost
from service.observability.metrics import Cause
from service.spool.spool import SpoolFull

_log = structlog.get_logger()

State = Literal["failed", "interrupted", "cancelled"]

NO_ROOM: Final = "There is no room for the import's working files"
COMMITS_LOST: Final = "The database has lost projects of the import that were committed"
CANCELLED: Final = "Import cancelled"
SHUTTING_DOWN: Final = "The service is shutting down"


class ImportStopped(Exception):
    """The import is stopped for a reason outside its work.

    Args:
        state: the state in which the import ends.
        error: the error for the uploader.
        cause: the cause that the row stores; by default the details of ``error``.
    """

    def __init__(self, state: State, error: ServiceError, cause: str | None = None) -> None:
        super().__init__(error.details)
        self.state = state
        self.error = error
        self.cause = cause or error.details


@dataclass(frozen=True, slots=True)
class ImportEnding:
    """The state and cause that the row stores, and the error for the uploader."""

    state: State
    cause: str
    error: ServiceError

    @property
    def by(self) -> Cause:
        """Who caused the end."""
        by_service = isinstance(self.error, InternalError | Unavailable)
        return Cause.SERVICE if by_service else Cause.CLIENT


def log_spool_fault(fault: BaseException | None) -> None:
    """Log why working files cannot be written; a full disk is no failure of the service."""
    log = _log.warning if isinstance(fault, SpoolFull) else _log.error
    log("spool", fault=repr(fault))


def ending_for(fault: BaseException) -> ImportEnding:
    """Return the ending that the table above gives for a fault."""
    match fault:
        case FileRefused() | FileTooLarge():
            return ImportEnding("failed", fault.details, fault)
        case ImportStopped(state=state, error=error, cause=cause):
            return ImportEnding(state, cause, error)
        case Unavailable():
            return ImportEnding("interrupted", fault.details, fault)
        case OSError():
            log_spool_fault(fault)
            error = Unavailable(NO_ROOM)
            return ImportEnding("interrupted", error.details, error)
        case LeaseLost():
            error = Unavailable("Another process ended the import or took it over")
            return ImportEnding("interrupted", error.details, error)
        case _:
            _log.error("import failed", exc_info=fault)
            error = InternalError()
            return ImportEnding("failed", error.details, error)
