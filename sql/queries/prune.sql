-- name: try_prune
-- One process at a time; the lock lasts as long as one small transaction. The rest has each row looked
-- up by its whole key: otherwise some are joined by reading all that the client has.
SELECT pg_try_advisory_xact_lock($1),
       set_config('plan_cache_mode', 'force_custom_plan', true),
       set_config('enable_seqscan', 'off', true),
       set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true)

-- name: clients
SELECT client_id FROM clients ORDER BY client_id

-- name: range_end
-- The last of the next $3 projects behind $2.
SELECT max(project_id)
  FROM (SELECT project_id
          FROM projects
         WHERE client_id = $1 AND project_id > $2
         ORDER BY project_id
         LIMIT $3) AS next

-- name: superseded
-- Of the projects behind $2 up to $3: versions behind the last $4, once those after them are older
-- than $5 seconds, as somebody may be reading one that was current a moment ago.
SELECT p.project_id, v.version
  FROM projects p
 CROSS JOIN LATERAL (
       SELECT version, row_number() OVER newer AS place,
              min(created_at) OVER (newer ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS since
         FROM project_versions
        WHERE client_id = $1 AND project_id = p.project_id
       WINDOW newer AS (ORDER BY version DESC)) AS v
 WHERE p.client_id = $1 AND p.project_id > $2 AND p.project_id <= $3
   AND p.version > $4 AND v.place > $4
   AND v.since < clock_timestamp() - make_interval(secs => $5)
 ORDER BY p.project_id, v.version
 LIMIT $6

-- name: retire
-- A version goes first and its rows after it, so that nobody takes half of it for the whole. By the
-- primary key: by ctid, another tenant's rows went on a partitioned table.
WITH gone AS (
    DELETE FROM project_versions t
     USING unnest($2::bigint[], $3::integer[]) AS old (project_id, version)
     WHERE t.client_id = $1 AND t.project_id = old.project_id AND t.version = old.version
    RETURNING t.project_id, t.version
)
INSERT INTO pruned_versions (client_id, project_id, version)
SELECT $1, project_id, version FROM gone

-- name: retired
SELECT project_id, version
  FROM pruned_versions
 WHERE client_id = $1
 ORDER BY project_id, version
 LIMIT $2

-- name: delete_children
-- At most $4 rows of {table}, one of the children's tables.
DELETE FROM {table} t
 USING (SELECT n.project_id, n.version, c.ordinal
          FROM unnest($2::bigint[], $3::integer[]) AS n (project_id, version)
         CROSS JOIN LATERAL (SELECT ordinal
                               FROM {table}
                              WHERE client_id = $1 AND project_id = n.project_id
                                AND version = n.version
                              ORDER BY ordinal
                              LIMIT $4) AS c
         LIMIT $4) AS old
 WHERE t.client_id = $1 AND t.project_id = old.project_id AND t.version = old.version
   AND t.ordinal = old.ordinal

-- name: forget
DELETE FROM pruned_versions t
 USING unnest($2::bigint[], $3::integer[]) AS old (project_id, version)
 WHERE t.client_id = $1 AND t.project_id = old.project_id AND t.version = old.version

-- name: delete_results
-- At most $4 outcomes of imports that ended $2 days ago; running ones have no end, and what a key
-- that was claimed less than $3 seconds ago finds stays. From import to import that has outcomes, up
-- to the first that began too late: a history of imports without any costs nothing.
WITH RECURSIVE walked AS (
    (SELECT import_id
       FROM import_results
      WHERE client_id = $1
      ORDER BY import_id, attempt, index
      LIMIT 1)
    UNION ALL
    SELECT next.import_id
      FROM walked w
      JOIN imports i ON i.client_id = $1 AND i.import_id = w.import_id
     CROSS JOIN LATERAL (SELECT import_id
                           FROM import_results
                          WHERE client_id = $1 AND import_id > w.import_id
                          ORDER BY import_id, attempt, index
                          LIMIT 1) AS next
     WHERE i.started_at < statement_timestamp() - make_interval(days => $2)
), expired AS (
    SELECT w.import_id, r.attempt, r.index
      FROM walked w
      JOIN imports i ON i.client_id = $1 AND i.import_id = w.import_id
     CROSS JOIN LATERAL (SELECT attempt, index
                           FROM import_results
                          WHERE client_id = $1 AND import_id = w.import_id
                          ORDER BY attempt, index
                          LIMIT $4) AS r
     WHERE i.ended_at < statement_timestamp() - make_interval(days => $2)
       AND (i.key_claimed_at < statement_timestamp() - make_interval(secs => $3)) IS NOT FALSE
     LIMIT $4
)
DELETE FROM import_results r
 USING expired e
 WHERE r.client_id = $1 AND r.import_id = e.import_id AND r.attempt = e.attempt
   AND r.index = e.index

-- name: quiet
-- Since when no import runs, where none does and there are shared objects at all. An import that
-- runs may have stored an object whose project is still to come. By the clock of created_at, and from
-- before this statement's snapshot: what it does not see begins later.
SELECT now()
 WHERE EXISTS (SELECT FROM shared_objects WHERE client_id = $1)
   AND NOT EXISTS (SELECT FROM imports WHERE client_id = $1 AND state = 'running')

-- name: unused
SELECT hash FROM shared_objects WHERE client_id = $1
EXCEPT
SELECT unnest(shared_objects) FROM project_versions WHERE client_id = $1
 LIMIT $2

-- name: try_client
-- Batches, whoever stores an object and whoever begins an import hold it shared. By the form that
-- does not wait: behind one that waits, they would.
SELECT pg_try_advisory_xact_lock($1)

-- name: delete_shared
-- Under the client's lock, in a statement after it. What nothing named at $2 is named by nothing now
-- if there is no version since.
DELETE FROM shared_objects
 WHERE client_id = $1 AND hash = ANY ($3::bytea[])
   AND NOT EXISTS (SELECT FROM imports WHERE client_id = $1 AND state = 'running')
   AND NOT EXISTS (SELECT FROM project_versions WHERE client_id = $1 AND created_at >= $2)
