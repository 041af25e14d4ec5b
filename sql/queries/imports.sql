-- name: client
-- A disabled client counts as none.
SELECT name FROM clients WHERE client_id = $1 AND disabled_at IS NULL

-- name: share_client
SELECT pg_advisory_xact_lock_shared($1)

-- name: hold_import
SELECT pg_advisory_xact_lock($1)

-- name: begin
-- The client's lock is held shared (by an earlier statement), so that shared objects are not pruned
-- from under an import that is about to begin.
WITH begun AS (
    INSERT INTO imports (client_id, subject, options, request_id, traceparent)
    VALUES ($1, $2, $3, $4, $5)
    RETURNING client_id, import_id, attempt
)
INSERT INTO import_progress (client_id, import_id, attempt)
SELECT client_id, import_id, attempt FROM begun
RETURNING import_id

-- name: end
-- Fenced by the attempt: whoever took the import over has the last word. Counts come from the
-- outcomes, which no batch writes after this, since the import's lock is held exclusively. Ending it
-- a second time in the same way is a retry whose first answer was lost.
UPDATE imports i
   SET state = $4, cause = $5, notes = $6, filename = $7, dialect = $8, bytes_read = $9,
       warnings = $10, ended_at = clock_timestamp(), counts = $11
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3 AND state IN ('running', $4)
RETURNING import_id

-- name: beat
-- One statement for all imports of a process, in the order of their keys.
UPDATE import_progress p
   SET beat_at = clock_timestamp(), bytes_read = b.bytes_read, projects_done = b.projects_done
  FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[], $5::bigint[])
       AS b (client_id, import_id, attempt, bytes_read, projects_done)
 WHERE p.client_id = b.client_id AND p.import_id = b.import_id AND p.attempt = b.attempt
RETURNING p.import_id, p.cancel_requested

-- name: dead
-- Imports whose owner has been silent for too long.
SELECT i.import_id, i.attempt
  FROM imports i
  JOIN import_progress p USING (client_id, import_id)
 WHERE i.client_id = $1 AND i.state = 'running'
   AND p.beat_at < clock_timestamp() - make_interval(secs => $2)

-- name: bury
-- Runs under the import's lock, held exclusively by an earlier statement; the beat is compared again,
-- since the owner may have been late rather than dead.
UPDATE imports i
   SET state = 'interrupted', cause = 'The process that ran the import ended',
       ended_at = clock_timestamp(), bytes_read = p.bytes_read, counts = $4
  FROM import_progress p
 WHERE i.client_id = $1 AND i.import_id = $2 AND i.attempt = $3 AND i.state = 'running'
   AND p.client_id = i.client_id AND p.import_id = i.import_id
   AND p.beat_at < clock_timestamp() - make_interval(secs => $5)
RETURNING i.import_id

-- name: find
SELECT i.import_id, i.state, i.attempt, i.subject, i.options, i.notes, i.filename, i.dialect,
       CASE i.state WHEN 'running' THEN p.bytes_read ELSE i.bytes_read END AS bytes_read,
       p.projects_done, i.warnings, i.cause, i.counts, i.request_id, i.started_at, i.ended_at
  FROM imports i
  JOIN import_progress p USING (client_id, import_id)
 WHERE i.client_id = $1 AND i.import_id = $2
