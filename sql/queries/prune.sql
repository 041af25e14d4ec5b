-- name: list_clients
SELECT client_id FROM clients ORDER BY client_id

-- name: find_range_end
-- The last of the next $3 projects after $2.
SELECT max(project_id)
  FROM (SELECT project_id
          FROM projects
         WHERE client_id = $1 AND project_id > $2
         ORDER BY project_id
         LIMIT $3) AS next

-- name: list_superseded
-- Of the projects after $2 up to $3: the versions older than the last $4, once the version after them
-- is older than $5 seconds. Someone may still be reading a version that was current a moment ago.
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

-- name: delete_versions
-- Deletes the rows of versions before their records, so that no reader mistakes a part for the whole.
-- Deletes by the primary key: by ctid, a partitioned table lost rows of another client.
WITH gone AS (
    DELETE FROM project_versions t
     USING unnest($2::bigint[], $3::integer[]) AS old (project_id, version)
     WHERE t.client_id = $1 AND t.project_id = old.project_id AND t.version = old.version
    RETURNING t.project_id, t.version
)
INSERT INTO pruned_versions (client_id, project_id, version)
SELECT $1, project_id, version FROM gone

-- name: list_pruned
SELECT project_id, version
  FROM pruned_versions
 WHERE client_id = $1
 ORDER BY project_id, version
 LIMIT $2

-- name: delete_records
-- Deletes at most $4 rows of {table}, a table of records.
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

-- name: delete_pruned
DELETE FROM pruned_versions t
 USING unnest($2::bigint[], $3::integer[]) AS old (project_id, version)
 WHERE t.client_id = $1 AND t.project_id = old.project_id AND t.version = old.version

-- name: delete_results
-- Deletes at most $4 outcomes of imports that ended more than $2 days ago. Running imports have no
-- end; outcomes that a key claimed less than $3 seconds ago can still find stay. The recursion steps
-- over the imports that have outcomes, up to the first that began too late, so that a history of
-- imports without outcomes costs nothing. The same statement marks the imports, so that an undo which
-- sees no mark after it listed the outcomes has seen all of them.
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
), marked AS (
    UPDATE imports i
       SET outcomes_pruned_at = statement_timestamp()
      FROM (SELECT DISTINCT import_id FROM expired) AS e
     WHERE i.client_id = $1 AND i.import_id = e.import_id AND i.outcomes_pruned_at IS NULL
)
DELETE FROM import_results r
 USING expired e
 WHERE r.client_id = $1 AND r.import_id = e.import_id AND r.attempt = e.attempt
   AND r.index = e.index

-- name: list_unused
-- Lists shared objects without references. Lists none while an import of the client runs, because
-- delete_shared would delete none. Each new version of a project increases total_versions, and nothing
-- decreases it, so it shows later whether a version was written since. A time would not show it: the
-- server's clock may step back.
SELECT hash, (SELECT sum(version) FROM projects WHERE client_id = $1) AS total_versions
  FROM (SELECT hash FROM shared_objects WHERE client_id = $1
        EXCEPT
        SELECT unnest(shared_objects) FROM project_versions WHERE client_id = $1
         LIMIT $2) AS unused
 WHERE EXISTS (SELECT FROM shared_objects WHERE client_id = $1)
   AND NOT EXISTS (SELECT FROM imports WHERE client_id = $1 AND state = 'running')

-- name: delete_shared
-- Runs under the client's lock, in a statement after it. A running import may rely on an object whose
-- project is not written yet. Without one, an object that list_unused returned with total_versions $2
-- still has no references if no version was written since.
DELETE FROM shared_objects
 WHERE client_id = $1 AND hash = ANY ($3::bytea[])
   AND NOT EXISTS (SELECT FROM imports WHERE client_id = $1 AND state = 'running')
   AND (SELECT sum(version) FROM projects WHERE client_id = $1) IS NOT DISTINCT FROM $2
