"""A round of pruning: which clients it visits.

The database keeps when the last complete round began, for all processes. A round visits the clients
for which index look-ups find work since then. A day after the last sweep, after a change of the
settings, and if the clock was set back, it is a sweep: it visits all clients.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from service.projects.kept_versions import find_windows
from service.projects.listing import read_watermark
from service.settings import Settings
from service.storage import Connection
from service.storage.queries import Queries

_SQL = Queries("prune")

_LATE: Final = timedelta(minutes=5)
"""How long a transaction of another role, which the watermark cannot see, may take."""


@dataclass(frozen=True, slots=True)
class PruneRound:
    """One round.

    Attributes:
        began_at: every version that was created before is visible to this round.
        swept_at: when the last sweep began.
        since: when the last complete round began; None for a sweep.
        now: the database's clock at the begin of the round, which decides what is expired.
    """

    began_at: datetime
    swept_at: datetime
    since: datetime | None
    now: datetime


async def begin_round(conn: Connection, settings: Settings) -> tuple[PruneRound, list[int]]:
    """Return a new round, and the clients to visit.

    Args:
        conn: in a transaction that holds the lock of the process that prunes.
    """
    state = await conn.fetchrow(_SQL.read_state, _rules(settings))
    began_at = await read_watermark(conn) - _LATE
    now = await conn.fetchval(_SQL.read_clock)
    if state is None:
        this = PruneRound(began_at, began_at, None, now)
        clients = {row["client_id"] for row in await conn.fetch(_SQL.list_all_clients)}
    else:
        since = state["began_at"]
        this = PruneRound(began_at, state["swept_at"], since, now)
        days = (settings.keep_results_days, settings.keep_imports_days)
        rows = await conn.fetch(_SQL.list_clients, since, *days)
        for window in zip(*find_windows(settings, since, now), strict=True):
            rows += await conn.fetch(_SQL.list_changed_clients, *window)
        clients = {row["client_id"] for row in rows}
    return this, sorted(clients)


async def end_round(conn: Connection, settings: Settings, this: PruneRound) -> None:
    """Store that a round is complete, so that the next one begins where it did."""
    await conn.execute(_SQL.save_state, this.began_at, this.swept_at, _rules(settings))


def _rules(settings: Settings) -> dict[str, float]:
    """Return the settings whose change makes other versions prunable."""
    return {
        "versions": settings.keep_versions,
        "days": settings.keep_days,
        "months": settings.keep_months,
        "superseded": settings.keep_superseded,
    }
