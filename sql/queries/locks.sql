-- name: read_external_id
SELECT external_id FROM projects WHERE client_id = $1 AND project_id = $2

-- name: await_standby
-- Writes to the log, so that the COMMIT waits for a synchronous standby, even if the transaction only
-- finds the effect of an earlier try. If the backend of that try was terminated while it waited, its
-- effect is visible but may not have reached the standby.
SELECT FROM projects WHERE client_id = $1 AND project_id = $2 FOR UPDATE

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

-- name: was_taken
-- Whether a try whose answer was lost has taken the lock $3 to $5: it is there, or was broken since
-- then. $6: the lock was new, so that it is there even if it was extended since then.
SELECT EXISTS (SELECT FROM project_locks
                WHERE client_id = $1 AND project_id = $2 AND holder = $3 AND acquired_at = $4
                  AND (expires_at = $5 OR $6))
    OR EXISTS (SELECT FROM lock_breaks
                WHERE client_id = $1 AND project_id = $2 AND holder = $3 AND broken_at > $4)

-- name: release_lock
DELETE FROM project_locks WHERE client_id = $1 AND project_id = $2

-- name: record_break
INSERT INTO lock_breaks (client_id, project_id, holder, expires_at, broken_by, reason)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: read_pointer
SELECT version, archived_at FROM projects WHERE client_id = $1 AND project_id = $2

-- name: move_pointer
-- Makes version $3, a copy of the current one, current, with its time of archiving. The dates of the
-- content still count.
UPDATE projects p
   SET version = v.version, archived_at = v.archived_at,
       dates_version = CASE p.dates_version WHEN p.version THEN v.version END
  FROM project_versions v
 WHERE p.client_id = $1 AND p.project_id = $2
   AND v.client_id = $1 AND v.project_id = $2 AND v.version = $3::integer
RETURNING p.archived_at

-- name: find_archived
-- The version at which version $3 was archived: itself, or the next one.
SELECT version, archived_at
  FROM project_versions
 WHERE client_id = $1 AND project_id = $2 AND version IN ($3::bigint, $3::bigint + 1)
   AND archived_at IS NOT NULL
 ORDER BY version
 LIMIT 1

-- name: find_restored
-- The version that activated the archived version $3. Nothing restores a version that is active.
SELECT n.version, n.archived_at
  FROM project_versions a
  JOIN project_versions n USING (client_id, project_id)
 WHERE a.client_id = $1 AND a.project_id = $2 AND a.version = $3::bigint
   AND a.archived_at IS NOT NULL AND n.version = $3 + 1 AND n.archived_at IS NULL
