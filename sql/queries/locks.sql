-- name: read_external_id
SELECT external_id FROM projects WHERE client_id = $1 AND project_id = $2

-- name: read_lock
-- Compares with the clock, because now() is constant within a transaction. A holder is never NULL,
-- but $3 may be: with <>, a NULL subject would pass every lock.
SELECT holder, acquired_at, expires_at, holder IS DISTINCT FROM $3 AS of_another
  FROM project_locks
 WHERE client_id = $1 AND project_id = $2 AND expires_at > clock_timestamp()

-- name: take_lock
-- Runs under the project's advisory lock, after the current lock was checked; $5 extends it.
INSERT INTO project_locks AS l (client_id, project_id, holder, acquired_at, expires_at)
VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp() + make_interval(secs => $4))
ON CONFLICT (client_id, project_id) DO UPDATE
   SET holder = excluded.holder, expires_at = excluded.expires_at,
       acquired_at = CASE WHEN $5 THEN l.acquired_at ELSE excluded.acquired_at END
RETURNING holder, acquired_at, expires_at

-- name: release_lock
DELETE FROM project_locks WHERE client_id = $1 AND project_id = $2

-- name: record_break
INSERT INTO lock_breaks (client_id, project_id, holder, expires_at, broken_by, reason)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: read_pointer
SELECT version, archived_at FROM projects WHERE client_id = $1 AND project_id = $2

-- name: archive_project
UPDATE projects SET version = $3, archived_at = now()
 WHERE client_id = $1 AND project_id = $2
RETURNING archived_at
