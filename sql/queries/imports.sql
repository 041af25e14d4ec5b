-- name: begin
-- An earlier statement shares the client's lock, so that pruning deletes no shared objects while an
-- import begins. Returns nothing if another import holds the key.
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

-- name: find_running
-- Returns an import if it is running. Runs under its lock, in a statement after it.
SELECT import_id FROM imports WHERE client_id = $1 AND import_id = $2 AND state = 'running'

-- name: find_undo
-- Returns a running undo of an import. Runs under the import's lock, in a statement after it.
SELECT import_id
  FROM imports
 WHERE client_id = $1 AND state = 'running' AND options->>'undo' = $2::bigint::text
 LIMIT 1

-- name: find_claim
-- Finds the import of a claim whose answer was lost.
SELECT i.import_id, i.attempt
  FROM import_progress p
  JOIN imports i USING (client_id, import_id)
 WHERE p.client_id = $1 AND p.nonce = $2 AND i.state = 'running'

-- name: free_expired_key
UPDATE imports
   SET key_claimed_at = NULL
 WHERE client_id = $1 AND subject = $2 AND idempotency_key = $3
   AND key_claimed_at < statement_timestamp() - make_interval(secs => $4) AND state <> 'running'

-- name: find_key_holder
SELECT import_id, attempt, state, options, counts, fingerprint
  FROM imports
 WHERE client_id = $1 AND subject = $2 AND idempotency_key = $3 AND key_claimed_at IS NOT NULL

-- name: free_key
UPDATE imports SET key_claimed_at = NULL WHERE client_id = $1 AND import_id = $2

-- name: take_over
-- An earlier statement holds the import's lock exclusively, so that the previous attempt writes
-- nothing more. Returns nothing if another upload took the import over first, or if the key expired
-- and another import holds it. A request to cancel stays: see end.
WITH taken AS (
    UPDATE imports i
       SET attempt = i.attempt + 1, state = 'running', request_id = $4, traceparent = $5,
           key_claimed_at = statement_timestamp(), ended_at = NULL, cause = NULL, counts = NULL,
           warnings = '[]', bytes_read = 0, files_read = NULL, files_failed = NULL
     WHERE i.client_id = $1 AND i.import_id = $2 AND i.attempt = $3 AND i.state = 'interrupted'
       AND i.key_claimed_at IS NOT NULL
    RETURNING i.client_id, i.import_id, i.attempt
)
UPDATE import_progress p
   SET attempt = t.attempt, beat_at = statement_timestamp(), bytes_read = 0, projects_done = 0,
       nonce = $6
  FROM taken t
 WHERE p.client_id = $1 AND p.import_id = t.import_id
RETURNING p.attempt

-- name: end
-- An earlier statement holds the import's lock exclusively, so that no batch is written after this.
-- Fenced by the attempt. Ending an import twice in the same state is a retry whose first answer was
-- lost; ended_at stays then, and "first" is false. A requested cancel outlives the import's process: what
-- would be interrupted is cancelled. It keeps its key, so that the next upload under it learns of the
-- cancel and frees the key.
UPDATE imports i
   SET state = e.state,
       cause = CASE e.state
                   WHEN 'cancelled'
                   THEN 'Cancelled' || coalesce(' by ' || nullif(p.cancelled_by, ''), '')
                   ELSE $5
               END,
       notes = $6, filename = $7, dialect = $8, bytes_read = $9, warnings = $10,
       ended_at = CASE i.state WHEN 'running' THEN t.now ELSE i.ended_at END,
       counts = $11, fingerprint = $12,
       files_read = $14, files_failed = $15,
       key_claimed_at = CASE WHEN $13 THEN NULL ELSE i.key_claimed_at END
  FROM import_progress p
 CROSS JOIN LATERAL (SELECT CASE WHEN $4::text = 'interrupted' AND p.cancel_requested
                                 THEN 'cancelled'
                                 ELSE $4
                            END AS state) AS e
 CROSS JOIN (SELECT statement_timestamp() AS now) AS t
 WHERE i.client_id = $1 AND i.import_id = $2 AND i.attempt = $3
   AND i.state IN ('running', e.state)
   AND p.client_id = i.client_id AND p.import_id = i.import_id
RETURNING i.state, i.options, i.ended_at = t.now AS first

-- name: store_counts
-- Stores the counts of an attempt that has ended, unless an upload has taken the import over since.
UPDATE imports SET counts = $4 WHERE client_id = $1 AND import_id = $2 AND attempt = $3

-- name: holds_lease
-- Runs in a statement after the locks: one that both locks and reads would see the row as it was
-- before the wait.
SELECT i.attempt = $3 AND i.state = 'running' AND p.nonce = $4
  FROM imports i
  JOIN import_progress p USING (client_id, import_id)
 WHERE i.client_id = $1 AND i.import_id = $2

-- name: is_claimed
SELECT nonce = $3 FROM import_progress WHERE client_id = $1 AND import_id = $2

-- name: renew_leases
-- Renews the leases of all imports of a client in a process. An import that another process ended or
-- took over is not returned.
UPDATE import_progress p
   SET beat_at = statement_timestamp(), bytes_read = b.bytes_read, projects_done = b.projects_done
  FROM unnest($2::bigint[], $3::integer[], $4::bigint[], $5::bigint[], $6::bytea[])
       AS b (import_id, attempt, bytes_read, projects_done, nonce)
 WHERE p.client_id = $1 AND p.import_id = b.import_id AND p.attempt = b.attempt
   AND p.nonce = b.nonce
   AND (SELECT i.state
          FROM imports i
         WHERE i.client_id = $1 AND i.import_id = b.import_id) = 'running'
RETURNING p.import_id, p.nonce, p.cancel_requested

-- name: list_silent_clients
-- The clients with running imports that have sent no heartbeat for $1 seconds.
SELECT DISTINCT i.client_id
  FROM imports i
 CROSS JOIN LATERAL (
       SELECT true
         FROM import_progress
        WHERE client_id = i.client_id AND import_id = i.import_id
          AND (beat_at > statement_timestamp()
               OR beat_at < statement_timestamp() - make_interval(secs => $1))
       OFFSET 0) AS p
 WHERE i.state = 'running'

-- name: suspect_silent
-- Suspects the running imports of a client that have sent no heartbeat for $2 seconds. A time in the
-- future is from before the clock was set back: a heartbeat then counts as sent now, and a suspicion as
-- new. An import that is just sending a heartbeat is skipped.
WITH silent AS (
    SELECT p.*
      FROM imports i
     CROSS JOIN LATERAL (
           SELECT import_id
             FROM import_progress
            WHERE client_id = $1 AND import_id = i.import_id
              AND (beat_at > statement_timestamp()
                   OR beat_at < statement_timestamp() - make_interval(secs => $2)
                      AND (suspected_at > beat_at
                           AND suspected_at <= statement_timestamp()) IS NOT TRUE)
              FOR UPDATE SKIP LOCKED) AS p
     WHERE i.client_id = $1 AND i.state = 'running'
)
UPDATE import_progress p
   SET beat_at = least(p.beat_at, statement_timestamp()), suspected_at = statement_timestamp()
  FROM silent s
 WHERE p.client_id = $1 AND p.import_id = s.import_id

-- name: list_dead
-- Lists the running imports of a client that are suspected for $2 seconds and have sent no heartbeat
-- since.
SELECT p.*
  FROM imports i
 CROSS JOIN LATERAL (
       SELECT client_id, import_id, attempt
         FROM import_progress
        WHERE client_id = $1 AND import_id = i.import_id AND suspected_at > beat_at
          AND suspected_at < statement_timestamp() - make_interval(secs => $2)
       OFFSET 0) AS p
 WHERE i.client_id = $1 AND i.state = 'running'

-- name: check_dead
-- Compares the state and the heartbeat of an import again, as list_dead does, and blocks heartbeats
-- until the end of the transaction. Returns what the row of the import shall keep.
SELECT p.bytes_read, i.notes, i.filename, i.dialect
  FROM import_progress p
  JOIN imports i USING (client_id, import_id)
 WHERE p.client_id = $1 AND p.import_id = $2 AND i.state = 'running'
   AND p.suspected_at > p.beat_at
   AND p.suspected_at < statement_timestamp() - make_interval(secs => $3)
   FOR UPDATE OF p

-- name: request_cancel
-- An earlier statement shares the import's lock, so that an import that ends sees the request or ended
-- before it. The import's process reads it with its next heartbeat. The first subject is kept.
UPDATE import_progress p
   SET cancel_requested = true, cancelled_by = coalesce(p.cancelled_by, $3)
  FROM imports i
 WHERE p.client_id = $1 AND p.import_id = $2
   AND i.client_id = p.client_id AND i.import_id = p.import_id AND i.state = 'running'
RETURNING true

-- name: list_ended
-- Lists those of some imports of a client that have ended, or that exist no more. An import whose
-- outcomes are still being counted is left out: otherwise all requests that wait for it would count
-- them at once. Each is read by its primary key, whatever the statistics.
SELECT k.import_id
  FROM unnest($2::bigint[]) AS k (import_id)
  LEFT JOIN LATERAL (SELECT state = 'running' OR counts IS NULL AS runs
                       FROM imports
                      WHERE client_id = $1 AND import_id = k.import_id
                     OFFSET 0) AS i ON true
 WHERE i.runs IS NOT TRUE

-- name: read_end
SELECT warnings, files_read, files_failed FROM imports WHERE client_id = $1 AND import_id = $2

-- name: list_imports
-- A page of the given imports, the latest first, with the conditions of the request. "undone_by" is the
-- last undo that changed a project, unless it was undone itself: an odd number of undos of undos undoes
-- the import. The range of one id, with its ORDER BY, selects the index of undos.
SELECT i.import_id, i.state, r.result, i.attempt, i.subject, i.idempotency_key, i.options, i.notes,
       i.filename, i.dialect, i.files_read, i.files_failed,
       CASE i.state WHEN 'running' THEN p.bytes_read ELSE i.bytes_read END AS bytes_read,
       p.projects_done, p.cancel_requested, i.warnings, i.cause, i.counts, i.request_id,
       i.started_at, i.ended_at, i.outcomes_pruned_at, i.key_claimed_at, u.undone_by
  FROM ({imports}) AS i
 CROSS JOIN LATERAL (SELECT *
                       FROM import_progress
                      WHERE client_id = $1 AND import_id = i.import_id
                     OFFSET 0) AS p
 CROSS JOIN LATERAL (
       WITH RECURSIVE undos AS (
           SELECT i.import_id, 0 AS depth
            UNION ALL
           SELECT last.import_id, n.depth + 1
             FROM undos n
            CROSS JOIN LATERAL (SELECT import_id
                                  FROM imports
                                 WHERE client_id = $1 AND options->>'undo' >= n.import_id::text
                                   AND options->>'undo' <= n.import_id::text
                                   AND (counts->>'created')::bigint + (counts->>'updated')::bigint > 0
                                 ORDER BY options->>'undo' DESC, import_id DESC
                                 LIMIT 1) AS last
            WHERE n.depth < 100)
       SELECT CASE WHEN max(depth) % 2 = 1 THEN max(import_id) FILTER (WHERE depth = 1) END AS undone_by
         FROM undos) AS u
 CROSS JOIN LATERAL (
       SELECT CASE
                  WHEN u.undone_by IS NOT NULL THEN 'undone'
                  WHEN i.state <> 'completed' THEN i.state
                  WHEN coalesce((i.counts->>'failed')::bigint, 0) + coalesce(i.files_failed, 0) = 0
                  THEN 'completed'
                  WHEN (i.counts->>'created')::bigint + (i.counts->>'updated')::bigint
                       + (i.counts->>'unchanged')::bigint = 0
                  THEN 'failed'
                  ELSE 'partial'
              END AS result) AS r
 WHERE ($4::text IS NULL OR i.state = $4)
   AND ($5::text IS NULL OR strpos(lower(concat_ws(E'\n', i.notes, i.filename)), lower($5)) > 0)
   AND ($6::text IS NULL OR r.result = $6)
 ORDER BY i.import_id DESC
 LIMIT $3

-- name: list_one
-- The import $2.
SELECT * FROM imports WHERE client_id = $1 AND import_id = $2

-- name: list_latest
-- The next $7 imports before $2.
SELECT *
  FROM imports
 WHERE client_id = $1 AND import_id < $2
 ORDER BY import_id DESC
 LIMIT $7

-- name: list_by_key
-- The imports before $2 of one subject and key. The range of one key, with its ORDER BY, selects the
-- index of keys.
SELECT *
  FROM imports
 WHERE client_id = $1 AND subject = $7 AND idempotency_key >= $8 AND idempotency_key <= $8
   AND import_id < $2
 ORDER BY idempotency_key DESC, import_id DESC
OFFSET 0

-- name: find_scan_end
-- The last import that list_latest examines; NULL if it examines all.
SELECT import_id
  FROM imports
 WHERE client_id = $1 AND import_id < $2
 ORDER BY import_id DESC
OFFSET $3 - 1
 LIMIT 1
