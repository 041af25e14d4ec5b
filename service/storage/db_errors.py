"""Classifies the faults of the database: what to do with the batch that failed.

    SPLIT   an item of the batch is at fault: divide the batch until that item is alone
    RETRY   the database or the connection is at fault: try the whole batch again, with back-off
    FAIL    the service is at fault, or the fault is unknown: the import fails

``REMEDIES`` lists SQLSTATEs; a whole code precedes its class. A code that it does not list is FAIL.
"""

from enum import Enum, auto
from typing import Final

import asyncpg
from asyncpg.exceptions import InternalClientError

from service.codes import ErrorCode


class Remedy(Enum):
    SPLIT = auto()
    RETRY = auto()
    FAIL = auto()


REMEDIES: Final = {
    "22": Remedy.SPLIT,  # data exception
    "23": Remedy.SPLIT,  # integrity constraint violation
    "54": Remedy.SPLIT,  # program limit exceeded
    "08": Remedy.RETRY,  # connection exception; PgBouncer's time-outs
    "40": Remedy.RETRY,  # rollback: deadlock, serialisation
    "57014": Remedy.RETRY,  # statement cancelled: by statement_timeout, or by an operator
    "57P": Remedy.RETRY,  # operator intervention: shutdown, crash, starting up, idle time-outs
    "25P03": Remedy.RETRY,  # idle in transaction for too long: this process stopped
    "53100": Remedy.RETRY,  # disk full
    "53200": Remedy.RETRY,  # out of memory, also for locks: see ``OutOfLockMemory``
    "53300": Remedy.RETRY,  # too many connections
    "55P03": Remedy.RETRY,  # lock not available
    "25006": Remedy.RETRY,  # read only: a demoted primary
    "58030": Remedy.RETRY,  # I/O error: a worker of Citus that was lost within a COPY
}
DUPLICATE: Final = "23505"
_CITUS_TEXTS: Final = {
    "server closed the connection unexpectedly": "08006",
    "could not receive data from server": "08006",
    "could not send data to server": "08006",
    "connection not open": "08003",
    "terminating connection": "57P01",
    "deadlock detected": "40P01",
    "could not find valid entry for shard": "40001",  # the shard was divided meanwhile
    "No space left on device": "53100",
    "violates unique constraint": DUPLICATE,
    " violates ": "23000",
}
"""What Citus reports as an internal error, mostly of a COPY to a worker, and its SQLSTATE."""
_PREFIXES: Final = (5, 3, 2)
DATABASE_FAULTS: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    InternalClientError,
)
"""What a database raises that is unreachable, or refuses what is needed."""
_BROKEN: Final = (asyncpg.InterfaceError, OSError, InternalClientError)


class OutOfLockMemory(Exception):
    """The database has no memory for all projects of the batch, or for their locks."""


class RowRefused(Exception):
    """The database refused one row of a batch.

    Args:
        index: position in the file of the project to which the row belongs.
    """

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


def remedy_for(exc: BaseException) -> Remedy:
    """Return what to do with a batch that failed."""
    large = isinstance(exc, RowRefused) and isinstance(exc.__cause__, asyncpg.OutOfMemoryError)
    if large or isinstance(exc, OutOfLockMemory):
        return Remedy.SPLIT
    if isinstance(exc, asyncpg.InvalidCachedStatementError):
        return Remedy.RETRY  # a migration changed its columns; the next try prepares it again
    state = sqlstate(exc)
    return next((REMEDIES[state[:n]] for n in _PREFIXES if state[:n] in REMEDIES), Remedy.FAIL)


def sqlstate(exc: BaseException) -> str:
    """Return the SQLSTATE of a fault.

    A broken connection is ``08000``. Any other fault that is not the database's has an empty one.
    """
    cause = exc.__cause__ if isinstance(exc, RowRefused | OutOfLockMemory) else exc
    if isinstance(cause, asyncpg.InternalServerError):
        for text, state in _CITUS_TEXTS.items():
            if text in str(cause):
                return state
    if isinstance(cause, asyncpg.PostgresError):
        return str(getattr(cause, "sqlstate", None) or "")
    # asyncpg's DataError is a ValueError too: an argument of the service that it cannot encode.
    broken = isinstance(cause, _BROKEN) and not isinstance(cause, ValueError)
    return "08000" if broken else ""


def describe_refusal(exc: BaseException) -> tuple[ErrorCode, str]:
    """Return the code and message for a project that the database refused."""
    cause = exc.__cause__ if isinstance(exc, RowRefused) else exc
    state = sqlstate(exc)
    if state.startswith("22"):
        return ErrorCode.VALIDATION_ERROR, f"The database refused a value: {cause}"
    if state.startswith("54"):
        return ErrorCode.PROJECT_TOO_LARGE, f"A limit of the database is exceeded: {cause}"
    return ErrorCode.INTERNAL_ERROR, "The database could not store the project"
