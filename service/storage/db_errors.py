"""What a failed batch calls for, by what the database said.

    SPLIT   something in the batch is at fault: divide it until the culprit stands alone
    RETRY   the database or the way to it is at fault: the whole batch again, with back-off
    FAIL    we are at fault, or do not know: the import fails

The table is asked by SQLSTATE, whole code before class; what it does not list is FAIL.
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
    "57P": Remedy.RETRY,  # operator intervention: shutdown, crash, starting up, idle time-outs
    "25P03": Remedy.RETRY,  # idle in transaction for too long: this process stood still
    "53100": Remedy.RETRY,  # disk full
    "53200": Remedy.RETRY,  # out of memory, which locks take too: see ``OutOfLockMemory``
    "53300": Remedy.RETRY,  # too many connections
    "55P03": Remedy.RETRY,  # lock not available
    "25006": Remedy.RETRY,  # read only: a demoted primary
}
_PREFIXES: Final = (5, 3, 2)
_BROKEN: Final = (asyncpg.InterfaceError, OSError, InternalClientError)


class LeaseLost(Exception):
    """The import is no longer ours: it was ended or taken over."""


class OutOfLockMemory(Exception):
    """The database has no memory for so many projects at once, or for their locks."""


class RowRefused(Exception):
    """The database refused one row of a batch.

    Args:
        index: place in the file of the project that the row belongs to.
    """

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


def remedy_for(exc: BaseException) -> Remedy:
    """What to do about the failure of a batch."""
    large = isinstance(exc, RowRefused) and isinstance(exc.__cause__, asyncpg.OutOfMemoryError)
    if large or isinstance(exc, OutOfLockMemory):
        return Remedy.SPLIT
    state = sqlstate(exc)
    return next((REMEDIES[state[:n]] for n in _PREFIXES if state[:n] in REMEDIES), Remedy.FAIL)


def sqlstate(exc: BaseException) -> str:
    """What the database says by code; a connection that broke is ``08000``, and what is no error
    of the database has none: empty."""
    cause = exc.__cause__ if isinstance(exc, RowRefused | OutOfLockMemory) else exc
    if isinstance(cause, asyncpg.PostgresError):
        return str(getattr(cause, "sqlstate", None) or "")
    # asyncpg's own DataError is a ValueError too: an argument of ours that it cannot encode.
    broken = isinstance(cause, _BROKEN) and not isinstance(cause, ValueError)
    return "08000" if broken else ""


def describe_refusal(exc: BaseException) -> tuple[ErrorCode, str]:
    """The code and message of the one project that the database refuses."""
    cause = exc.__cause__ if isinstance(exc, RowRefused) else exc
    state = sqlstate(exc)
    if state.startswith("22"):
        return ErrorCode.VALIDATION_ERROR, f"The database refused a value: {cause}"
    if state.startswith("54"):
        return ErrorCode.PROJECT_TOO_LARGE, f"The database's limit was passed: {cause}"
    return ErrorCode.INTERNAL_ERROR, "The database could not store the project"
