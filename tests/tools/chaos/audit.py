"""The audit: triggers that write every committed change of a row that the checker judges by.

A row of the audit commits or vanishes with the change that it describes, also in a fail-over. On
Citus, the audit of a client is on the worker that has its rows, and its triggers are on the shards.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from service.storage import Connection
from tests.tools.chaos.history import Event

_TABLES: Final = {
    "projects": "INSERT UPDATE",
    "project_versions": "INSERT DELETE",
    "import_results": "INSERT",
    "imports": "INSERT UPDATE",
    "project_locks": "INSERT UPDATE DELETE",
    "lock_breaks": "INSERT",
}
_RECORDS: Final = (
    "tasks",
    "dependencies",
    "resources",
    "assignments",
    "baselines",
    "baseline_tasks",
    "project_parts",
)
NAMES: Final = (*_TABLES, *_RECORDS)
"""Of the tables that the audit reads or has triggers on."""
_THEMSELVES: Final = {name: name for name in NAMES}

_SCHEMA: Final = r"""
CREATE SCHEMA chaos;
CREATE TABLE chaos.audit (
    seq         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction text        NOT NULL DEFAULT pg_current_xact_id()::text,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    relation    text        NOT NULL,
    operation   text        NOT NULL,
    row         jsonb       NOT NULL
);
CREATE FUNCTION chaos.write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos.audit (relation, operation, row)
    SELECT regexp_replace(TG_TABLE_NAME, '_\d+$', ''), TG_OP,
           to_jsonb(n) - 'attributes' - 'description'
      FROM changed n;
    RETURN NULL;
END $$;
"""
# Ends a backend that is writing, once there is one: the statistics show it as soon as it has an id.
_STRIKE: Final = """
CREATE FUNCTION chaos.end_a_writer(but text, patience interval) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    until constant timestamptz := clock_timestamp() + patience;
    ended int;
BEGIN
    LOOP
        PERFORM pg_stat_clear_snapshot();
        SELECT count(pg_terminate_backend(pid)) INTO ended
          FROM (SELECT pid FROM pg_stat_activity
                 WHERE backend_type = 'client backend' AND backend_xid IS NOT NULL
                   AND application_name NOT IN (but, '')
                 ORDER BY random() LIMIT 1) AS writer;
        IF ended > 0 OR clock_timestamp() > until THEN
            RETURN ended;
        END IF;
        PERFORM pg_sleep(random() * 0.002);
    END LOOP;
END $$;
"""
_TRIGGER: Final = """
CREATE TRIGGER chaos_{lower} AFTER {operation} ON {table} REFERENCING {which} TABLE AS changed
   FOR EACH STATEMENT EXECUTE FUNCTION chaos.write()
"""
# The sum of the hashes of all rows of a version, without what differs between equal versions. It is
# part of every COMMIT, so it must use the primary keys also where statistics are missing.
_DIGEST: Final = """
CREATE FUNCTION chaos.digest(v {versions}) RETURNS text LANGUAGE sql AS $$
SELECT concat_ws(' ', hashtextextended((to_jsonb(v) - '{{version,import_id,created_at,created_by,
                                        archived_at}}'::text[])::text, 0), {sums})
$$;
CREATE FUNCTION chaos.write_content() RETURNS trigger LANGUAGE plpgsql
   SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
    INSERT INTO chaos.audit (relation, operation, row)
    VALUES ('content', 'INSERT', jsonb_build_object('project_id', NEW.project_id, 'version',
            NEW.version, 'digest', chaos.digest(NEW)));
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER chaos_content AFTER INSERT ON {versions} INITIALLY DEFERRED
   FOR EACH ROW EXECUTE FUNCTION chaos.write_content()
"""
_SUM: Final = """
(SELECT concat(count(*), ':', sum(hashtextextended((to_jsonb(t) - 'version')::text, 0)))
   FROM {table} t
  WHERE t.client_id = v.client_id AND t.project_id = v.project_id AND t.version = v.version)
"""
_STORED: Final = """
SELECT project_id, version, chaos.digest(v) AS digest
  FROM {versions} v
 WHERE client_id = $1
"""
_READ: Final = """
SELECT seq, transaction, extract(epoch FROM at)::float8 AS at, relation, operation, row::text
  FROM chaos.audit
 WHERE (row ->> 'client_id')::bigint = $1 OR relation = 'content'
 ORDER BY seq
"""


async def install(connection: Connection, relations: Mapping[str, str] = _THEMSELVES) -> None:
    """Make the audit in a migrated database.

    Args:
        relations: by the name of each table, the shard that has the client's rows.
    """
    sums = ", ".join(_SUM.format(table=relations[table]) for table in _RECORDS)
    digest = _DIGEST.format(sums=sums, versions=relations["project_versions"])
    await connection.execute(_SCHEMA + _STRIKE + digest)
    for table, operations in _TABLES.items():
        for operation in operations.split():
            which = "OLD" if operation == "DELETE" else "NEW"
            names = {"lower": operation.lower(), "operation": operation, "which": which}
            await connection.execute(_TRIGGER.format(table=relations[table], **names))


async def read(
    connection: Connection, client_id: int, relations: Mapping[str, str] = _THEMSELVES
) -> list[Event]:
    """Return the audit of a client; ``stored`` events are the versions that are there now."""
    events = [
        Event(
            r["seq"],
            r["transaction"],
            r["at"],
            r["relation"],
            r["operation"],
            orjson.loads(r["row"]),
        )
        for r in await connection.fetch(_READ, client_id)
    ]
    last = events[-1].seq if events else 0
    stored = _STORED.format(versions=relations["project_versions"])
    for record in await connection.fetch(stored, client_id):
        row: dict[str, Any] = dict(record)
        events.append(Event(last + 1, "", 0.0, "stored", "", row))
    return events
