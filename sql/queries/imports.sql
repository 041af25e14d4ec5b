-- name: share_client
-- Waits, for so many milliseconds.
SELECT set_config('lock_timeout', $2, true), pg_advisory_xact_lock_shared($1)

-- name: try_import
-- What else is waited for in the transaction is so for as long.
SELECT pg_try_advisory_xact_lock($1), set_config('lock_timeout', $2, true)

-- name: hold_import
-- As share_client.
SELECT set_config('lock_timeout', $2, true), pg_advisory_xact_lock($1)

-- name: end_holders
-- A process stopped in the middle of a COPY is ended by no time-out. A 64-bit key stands in pg_locks
-- as two unsigned halves.
SELECT pg_terminate_backend(pid)
  FROM pg_locks
 WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pid <> pg_backend_pid()
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (classid::bigint << 32) | objid::bigint = $1

-- name: begin
-- The client's lock is held shared (by an earlier statement), so that shared objects are not pruned
-- from under an import that is about to begin. Gives nothing where another holds the key.
WITH begun AS (
    INSERT INTO imports (client_id, subject, options, request_id, traceparent, idempotency_key,
                         key_claimed_at)
    VALUES ($1, $2, $3, $4, $5, $6::text, CASE WHEN $6 IS NOT NULL THEN statement_timestamp() END)
    ON CONFLICT (client_id, subject, idempotency_key) WHERE key_claimed_at IS NOT NULL DO NOTHING
    RETURNING client_id, import_id, attempt
)
INSERT INTO import_progress (client_id, import_id, attempt, nonce, beat_at)
SELECT client_id, import_id, attempt, $7, statement_timestamp() FROM begun
RETURNING import_id

-- name: claimed
-- What a claim whose answer was lost has claimed.
SELECT i.import_id, i.attempt
  FROM import_progress p
  JOIN imports i USING (client_id, import_id)
 WHERE p.client_id = $1 AND p.nonce = $2 AND i.state = 'running'

-- name: free_expired_key
UPDATE imports
   SET key_claimed_at = NULL
 WHERE client_id = $1 AND subject = $2 AND idempotency_key = $3
   AND key_claimed_at < statement_timestamp() - make_interval(secs => $4) AND state <> 'running'

-- name: holder_of_key
SELECT i.import_id, i.attempt, i.state, i.fingerprint,
       p.beat_at < statement_timestamp() - make_interval(secs => $4) AS dead
  FROM imports i
  JOIN import_progress p USING (client_id, import_id)
 WHERE i.client_id = $1 AND i.subject = $2 AND i.idempotency_key = $3
   AND i.key_claimed_at IS NOT NULL

-- name: take_over
-- Runs under the import's lock, held exclusively by an earlier statement; so that the attempt before
-- writes nothing more. Gives nothing where another was quicker.
WITH taken AS (
    UPDATE imports i
       SET attempt = i.attempt + 1, state = 'running', options = $4, request_id = $5,
           traceparent = $6, key_claimed_at = statement_timestamp(), ended_at = NULL, cause = NULL,
           counts = NULL, warnings = '[]', bytes_read = 0
      FROM import_progress p
     WHERE i.client_id = $1 AND i.import_id = $2 AND i.attempt = $3
       AND p.client_id = i.client_id AND p.import_id = i.import_id
       AND (i.state = 'interrupted'
            OR i.state = 'running'
               AND p.beat_at < statement_timestamp() - make_interval(secs => $7))
    RETURNING i.client_id, i.import_id, i.attempt
)
UPDATE import_progress p
   SET attempt = t.attempt, beat_at = statement_timestamp(), bytes_read = 0, projects_done = 0,
       cancel_requested = false, cancelled_by = NULL, nonce = $8
  FROM taken t
 WHERE p.client_id = $1 AND p.import_id = t.import_id
RETURNING p.attempt

-- name: end
-- Fenced by the attempt: whoever took the import over has the last word. Counts come from the
-- outcomes, which no batch writes after this, since the import's lock is held exclusively. Ending it
-- a second time in the same way is a retry whose first answer was lost.
UPDATE imports i
   SET state = $4, cause = $5, notes = $6, filename = $7, dialect = $8, bytes_read = $9,
       warnings = $10, ended_at = statement_timestamp(), counts = $11, fingerprint = $12,
       key_claimed_at = CASE WHEN $13 THEN NULL ELSE key_claimed_at END
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3 AND state IN ('running', $4)
RETURNING import_id

-- name: beat
-- One statement for all imports of a process, in the order of their keys.
UPDATE import_progress p
   SET beat_at = statement_timestamp(), bytes_read = b.bytes_read, projects_done = b.projects_done
  FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[], $5::bigint[])
       AS b (client_id, import_id, attempt, bytes_read, projects_done)
 WHERE p.client_id = b.client_id AND p.import_id = b.import_id AND p.attempt = b.attempt
RETURNING p.import_id, p.attempt, p.cancel_requested, p.cancelled_by

-- name: dead
-- Imports whose owner has been silent for too long.
SELECT i.import_id, i.attempt
  FROM imports i
  JOIN import_progress p USING (client_id, import_id)
 WHERE i.client_id = $1 AND i.state = 'running'
   AND p.beat_at < statement_timestamp() - make_interval(secs => $2)

-- name: bury
-- Runs under the import's lock, held exclusively by an earlier statement; the beat is compared again,
-- since the owner may have been late rather than dead.
UPDATE imports i
   SET state = $6, cause = $7, ended_at = statement_timestamp(), bytes_read = p.bytes_read,
       counts = $4, key_claimed_at = CASE WHEN $6 = 'cancelled' THEN NULL ELSE i.key_claimed_at END
  FROM import_progress p
 WHERE i.client_id = $1 AND i.import_id = $2 AND i.attempt = $3 AND i.state = 'running'
   AND p.client_id = i.client_id AND p.import_id = i.import_id
   AND p.beat_at < statement_timestamp() - make_interval(secs => $5)
RETURNING i.import_id

-- name: wish_cancelled
-- Read by the owner with its next beat. The first to wish is remembered.
UPDATE import_progress p
   SET cancel_requested = true, cancelled_by = coalesce(p.cancelled_by, $3)
  FROM imports i
 WHERE p.client_id = $1 AND p.import_id = $2
   AND i.client_id = p.client_id AND i.import_id = p.import_id AND i.state = 'running'
RETURNING i.attempt, p.beat_at < statement_timestamp() - make_interval(secs => $4) AS dead

-- name: find
SELECT i.import_id, i.state, i.attempt, i.subject, i.idempotency_key, i.options, i.notes,
       i.filename, i.dialect,
       CASE i.state WHEN 'running' THEN p.bytes_read ELSE i.bytes_read END AS bytes_read,
       p.projects_done, p.cancel_requested, i.warnings, i.cause, i.counts, i.request_id,
       i.started_at, i.ended_at
  FROM imports i
  JOIN import_progress p USING (client_id, import_id)
 WHERE i.client_id = $1 AND i.import_id = $2

-- name: warnings
SELECT warnings FROM imports WHERE client_id = $1 AND import_id = $2

-- name: page
-- The latest first.
SELECT i.import_id, i.state, i.attempt, i.subject, i.idempotency_key, i.options, i.notes,
       i.filename, i.dialect,
       CASE i.state WHEN 'running' THEN p.bytes_read ELSE i.bytes_read END AS bytes_read,
       p.projects_done, p.cancel_requested, i.warnings, i.cause, i.counts, i.request_id,
       i.started_at, i.ended_at
  FROM imports i
  JOIN import_progress p USING (client_id, import_id)
 WHERE i.client_id = $1 AND i.import_id < $2
   AND ($3::text IS NULL OR i.state = $3)
   AND ($4::text IS NULL OR strpos(lower(concat_ws(E'\n', i.notes, i.filename)), lower($4)) > 0)
   AND ($6::text IS NULL OR i.subject = $5 AND i.idempotency_key = $6)
 ORDER BY i.import_id DESC
 LIMIT $7
