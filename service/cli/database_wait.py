"""Waits for a database that does not answer yet, or that another process still prepares."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeVar

from service.storage.db_errors import DATABASE_FAULTS, Remedy, remedy_for, sqlstate
from service.storage.migrate import grant_privileges, pending_migrations

LONGEST_PAUSE: Final = 2.0
REPORT_EVERY: Final = 30.0
"""Seconds until an unchanged reason to wait is reported again."""

Report = Callable[[str, float], None]
"""Takes the reason to wait, and the seconds that are left: when the reason changes, and every
``REPORT_EVERY`` seconds."""

_UNPREPARED: Final = ("28", "3D", "42501", "42704")
"""Classes of the faults of a server on which a role, the database or its grants do not exist yet:
the operator of a new cluster creates them after the server answers, and ``migrate`` grants."""

T = TypeVar("T")


async def find_missing_migrations(
    dsn: str,
    *,
    connect_timeout: float,
    within: float,
    until_prepared: bool,
    until_migrated: bool,
    report: Report,
) -> list[str]:
    """Return the migrations that the database lacks, once it can be used.

    Args:
        dsn: URL of the database.
        connect_timeout: seconds for one attempt.
        within: seconds to wait; 0 tries once.
        until_prepared: whether to wait also for a role, a database and its grants.
        until_migrated: whether to wait also for missing migrations.
        report: is called while this waits.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError, InternalClientError: the database
            cannot be used in time, or waiting cannot help.
    """

    async def read() -> tuple[list[str], str]:
        missing = await pending_migrations(dsn, connect_timeout)
        return missing, describe_missing(missing) if missing and until_migrated else ""

    return await _repeat(read, within, until_prepared, report)


async def grant_when_role_exists(dsn: str, role: str, *, within: float, report: Report) -> None:
    """Grant a role the privileges of the service, as ``grant_privileges``, once it exists.

    Args:
        dsn: URL of the database, with the role that owns the tables.
        role: role of the service.
        within: seconds to wait; 0 tries once.
        report: is called while this waits.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError, InternalClientError: the role does
            not exist in time, or the database cannot be used.
    """

    async def grant() -> tuple[None, str]:
        await grant_privileges(dsn, role)
        return None, ""

    await _repeat(grant, within, True, report)


async def _repeat(
    attempt: Callable[[], Awaitable[tuple[T, str]]],
    within: float,
    until_prepared: bool,
    report: Report,
) -> T:
    """Return the result of an attempt, once it gives no reason to wait, or the time is over."""
    deadline = time.monotonic() + within
    pauses: Iterator[float] | None = None
    reported = ("", 0.0)
    while True:
        left = deadline - time.monotonic()
        try:
            result, reason = await attempt()
            if left <= 0 or not reason:
                return result
        except DATABASE_FAULTS as error:
            if left <= 0 or not _can_pass(error, until_prepared):
                raise
            reason = describe_fault(error)
        if reason != reported[0] or reported[1] - left >= REPORT_EVERY:
            report(reason, left)
            reported = (reason, left)
        pauses = pauses or _backoff()
        await asyncio.sleep(min(next(pauses), left))


def _backoff() -> Iterator[float]:
    # Takes as long to import as all else that a command needs that does not wait.
    from service.storage.retry import backoff

    return backoff(LONGEST_PAUSE)


def _can_pass(error: Exception, until_prepared: bool) -> bool:
    if remedy_for(error) is Remedy.RETRY:
        return True
    return until_prepared and sqlstate(error).startswith(_UNPREPARED)


def describe_fault(error: Exception) -> str:
    """Return what is wrong with the database."""
    return str(error) or "no answer in time"


def describe_missing(names: list[str]) -> str:
    """Return what is wrong with a database that lacks migrations."""
    more = f" and {len(names) - 1} more migrations" if names[1:] else ""
    return f"the database lacks {names[0]}{more}: run `bulk-import migrate` first"
