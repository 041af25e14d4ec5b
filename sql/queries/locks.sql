-- name: share_client
-- SET LOCAL alone gets through PgBouncer. Every look-up is on its whole key, whatever statistics say.
-- Then it waits; an import that is all or nothing holds the client alone.
SELECT set_config('lock_timeout', $2, true),
       set_config('idle_in_transaction_session_timeout', $3, true),
       set_config('plan_cache_mode', 'force_custom_plan', true),
       set_config('enable_seqscan', 'off', true),
       pg_advisory_xact_lock_shared($1)

-- name: hold_project
-- Waits; a batch that writes the project holds it.
SELECT pg_advisory_xact_lock($1)

-- name: external_id
SELECT external_id FROM projects WHERE client_id = $1 AND project_id = $2

-- name: current
-- By the clock: now() stands still in a transaction. Of another: a holder is never null, but a
-- comparison with one that is would let everybody pass.
SELECT holder, acquired_at, expires_at, holder IS DISTINCT FROM $3 AS of_another
  FROM project_locks
 WHERE client_id = $1 AND project_id = $2 AND expires_at > clock_timestamp()

-- name: take
-- Under the project's lock, after the one that is there was looked at; $5 says that it was ours.
INSERT INTO project_locks AS l (client_id, project_id, holder, acquired_at, expires_at)
VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp() + make_interval(secs => $4))
ON CONFLICT (client_id, project_id) DO UPDATE
   SET holder = excluded.holder, expires_at = excluded.expires_at,
       acquired_at = CASE WHEN $5 THEN l.acquired_at ELSE excluded.acquired_at END
RETURNING holder, acquired_at, expires_at

-- name: give_back
DELETE FROM project_locks WHERE client_id = $1 AND project_id = $2

-- name: record_break
INSERT INTO lock_breaks (client_id, project_id, holder, expires_at, broken_by, reason)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: pointer
SELECT version, archived_at FROM projects WHERE client_id = $1 AND project_id = $2

-- name: archive
UPDATE projects SET version = $3, archived_at = now()
 WHERE client_id = $1 AND project_id = $2
RETURNING archived_at

-- name: copy_version
-- The same again under the next number, by nobody's import.
INSERT INTO project_versions (client_id, project_id, version, created_by, content_hash,
                              shared_objects, archived_at, {columns})
SELECT client_id, project_id, version + 1, $4, content_hash, shared_objects, now(), {columns}
  FROM project_versions
 WHERE client_id = $1 AND project_id = $2 AND version = $3

-- name: last_child
SELECT max(ordinal) FROM {table} WHERE client_id = $1 AND project_id = $2 AND version = $3

-- name: copy_children
-- So many at a time that no statement takes long.
INSERT INTO {table} (client_id, project_id, version, {columns})
SELECT client_id, project_id, version + 1, {columns}
  FROM {table}
 WHERE client_id = $1 AND project_id = $2 AND version = $3 AND ordinal >= $4 AND ordinal < $5
