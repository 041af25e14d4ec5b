"""Checks what the database shows to the service, and what its commits survive."""

from typing import Final

from service.storage import APPLICATION_NAME, Connection
from service.storage.queries import Queries

_SQL = Queries("server_checks")

_LOST: Final = "can lose projects that were reported as imported"


async def find_hidden_sessions(conn: Connection) -> str | None:
    """Return why replicas of the service cannot see or end each other's sessions, if so.

    Followers of ``changed_since`` would miss changes, and an interrupted import could not be taken
    over.
    """
    row = await conn.fetchrow(_SQL.find_hidden_sessions, APPLICATION_NAME)
    assert row is not None
    named, disabled, roles = row
    if not named:
        return f"The sessions of the service are not named {APPLICATION_NAME}: check the pooler"
    if disabled:
        return "track_activities is off, so the transactions of the service are hidden"
    if roles:
        return (
            f"The roles {roles} serve, but cannot see and end each other's sessions: run "
            f"GRANT pg_read_all_stats, pg_signal_backend TO {roles}; or use one role, and no "
            "superuser"
        )
    return None


async def find_weak_durability(conn: Connection) -> str | None:
    """Return which setting of the database can lose commits that it confirmed, if one does."""
    row = await conn.fetchrow(_SQL.read_durability)
    assert row is not None
    commit, synchronous = row["synchronous_commit"], row["synchronous"]
    if commit == "off":
        return f"synchronous_commit is off: a crash of the database {_LOST}"
    if synchronous and commit == "local":
        return f"synchronous_commit is local, and waits for no standby: a fail-over {_LOST}"
    if synchronous or not row["standbys"] + row["hidden"]:
        return None
    if row["standbys"]:
        return f"synchronous_standby_names is empty, and standbys follow: a fail-over {_LOST}"
    return (
        f"synchronous_standby_names is empty: if standbys follow, a fail-over {_LOST}. The role "
        "may not see whether they do: run GRANT pg_read_all_stats TO it"
    )
