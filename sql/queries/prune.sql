-- name: read_state
-- Returns when the last round began, unless all clients are due: a day after the last sweep, after a
-- change of the settings $1, and if the clock was set back.
SELECT began_at, swept_at
  FROM prune_state
 WHERE settings = $1
   AND swept_at > clock_timestamp() - interval '1 day' AND began_at < clock_timestamp()

-- name: read_last_round
-- Returns when the last complete round began.
SELECT began_at FROM prune_state

-- name: save_state
INSERT INTO prune_state (began_at, swept_at, settings) VALUES ($1, $2, $3)
ON CONFLICT (only_row) DO UPDATE
   SET began_at = excluded.began_at, swept_at = excluded.swept_at, settings = excluded.settings

-- name: read_clock
SELECT clock_timestamp()

-- name: list_all_clients
SELECT client_id FROM clients ORDER BY client_id

-- name: list_clients
-- The clients for which a round has work beside changed versions, by a few index look-ups for each:
-- deleted versions with records; the first outcomes and the first import, if they are older than $2 and
-- $3 days; shared objects, if the last import ended since $1, when the last round began.
SELECT client_id
  FROM clients c
 WHERE (SELECT true FROM pruned_versions p WHERE p.client_id = c.client_id LIMIT 1)
    OR (SELECT i.started_at < statement_timestamp() - make_interval(days => $2)
          FROM (SELECT import_id
                  FROM import_results r
                 WHERE r.client_id = c.client_id
                 ORDER BY import_id
                 LIMIT 1) AS first
         CROSS JOIN LATERAL (SELECT started_at
                               FROM imports i
                              WHERE i.client_id = c.client_id AND i.import_id = first.import_id
                             OFFSET 0) AS i)
    OR (SELECT i.started_at < statement_timestamp() - make_interval(days => $3)
          FROM imports i
         WHERE i.client_id = c.client_id
         ORDER BY i.import_id
         LIMIT 1)
    OR (SELECT true FROM shared_objects s WHERE s.client_id = c.client_id LIMIT 1)
       AND (SELECT i.ended_at >= $1
              FROM imports i
             WHERE i.client_id = c.client_id
             ORDER BY i.import_id DESC
             LIMIT 1)

-- name: list_changed_clients
-- The clients with versions that were created in the window from $1 to $2, as in list_changed.
SELECT client_id
  FROM clients c
 WHERE (SELECT true
          FROM project_versions v
         WHERE v.client_id = c.client_id AND v.version > 1 AND v.created_at >= $1
           AND v.created_at < coalesce($2::timestamptz, 'infinity') AND v.created_at > '-infinity'
         ORDER BY v.created_at
         LIMIT 1)

-- name: list_projects
-- The next $4 projects after $2 that have more than $3 versions.
SELECT project_id
  FROM projects
 WHERE client_id = $1 AND project_id > $2 AND version > $3
 ORDER BY project_id
 LIMIT $4

-- name: list_changed
-- The projects of at most $4 versions that were created in one of the windows from $2 to $3; no end is
-- infinity. Such a version can have made others prunable since the last round, when that round had
-- pruned all. First versions supersede nothing.
SELECT v.project_id
  FROM unnest($2::timestamptz[], $3::timestamptz[]) AS w (since, until)
 CROSS JOIN LATERAL (SELECT project_id
                       FROM project_versions
                      WHERE client_id = $1 AND version > 1 AND created_at >= w.since
                        AND created_at < coalesce(w.until, 'infinity') AND created_at > '-infinity'
                      ORDER BY created_at
                      LIMIT $4) AS v
 LIMIT $4

-- name: list_superseded
-- Of the projects $2: the next $7 prunable versions. They are older than the last $3, were superseded
-- before $4, since someone may still be reading a version that was current a moment ago, and were
-- current neither at a midnight after $5 nor at the begin of a month after $6, in UTC, and have no label.
-- It reads the oldest versions first, and stops at $7, so that many versions of one project take one
-- pass.
SELECT n.project_id, v.version
  FROM unnest($2::bigint[]) AS n (project_id)
 CROSS JOIN LATERAL (SELECT version
                       FROM project_versions
                      WHERE client_id = $1 AND project_id = n.project_id
                      ORDER BY version DESC
                     OFFSET $3::integer - 1
                      LIMIT 1) AS oldest
 CROSS JOIN LATERAL (
       SELECT version, created_at, lead(created_at) OVER (ORDER BY version) AS superseded_at
         FROM project_versions
        WHERE client_id = $1 AND project_id = n.project_id AND version <= oldest.version) AS v
 WHERE v.superseded_at < $4
   AND date_trunc('day', v.superseded_at, 'UTC') <= greatest(v.created_at, $5)
   AND date_trunc('month', v.superseded_at, 'UTC') <= greatest(v.created_at, $6)
   AND (SELECT true
          FROM version_labels l
         WHERE l.client_id = $1 AND l.project_id = n.project_id AND l.version = v.version) IS NULL
 LIMIT $7

-- name: delete_version
-- Deletes the row of a version before its records, so that no reader mistakes a part for the whole.
-- Deletes here and below name one key: no statistics can then turn a look-up into a join that reads
-- all rows of the client. By ctid, a partitioned table lost rows of another client.
WITH gone AS (
    DELETE FROM project_versions
     WHERE client_id = $1 AND project_id = $2 AND version = $3
    RETURNING project_id, version
)
INSERT INTO pruned_versions (client_id, project_id, version)
SELECT $1, project_id, version FROM gone

-- name: list_pruned
SELECT project_id, version
  FROM pruned_versions
 WHERE client_id = $1
 ORDER BY project_id, version
 LIMIT $2

-- name: list_records
-- Of the versions $2, $3 that have rows in {table}: the last ordinal among the next $4 rows of all.
SELECT project_id, version, max(ordinal) AS last, count(*) AS number
  FROM (SELECT n.project_id, n.version, r.ordinal
          FROM unnest($2::bigint[], $3::integer[]) AS n (project_id, version)
         CROSS JOIN LATERAL (SELECT ordinal
                               FROM {table}
                              WHERE client_id = $1 AND project_id = n.project_id
                                AND version = n.version
                              ORDER BY ordinal
                              LIMIT $4) AS r
         LIMIT $4) AS next
 GROUP BY project_id, version

-- name: delete_records
DELETE FROM {table} WHERE client_id = $1 AND project_id = $2 AND version = $3 AND ordinal <= $4

-- name: delete_pruned
DELETE FROM pruned_versions WHERE client_id = $1 AND project_id = $2 AND version = $3

-- name: list_results
-- The next $4 outcomes of imports that ended more than $2 days ago. Running imports have no end;
-- outcomes that a key claimed less than $3 seconds ago can still find stay. The recursion steps over
-- the imports that have outcomes, up to the first that began too late, so that a history of imports
-- without outcomes costs nothing.
WITH RECURSIVE walked AS (
    (SELECT import_id
       FROM import_results
      WHERE client_id = $1
      ORDER BY import_id
      LIMIT 1)
    UNION ALL
    SELECT next.import_id
      FROM walked w
     CROSS JOIN LATERAL (SELECT started_at
                           FROM imports
                          WHERE client_id = $1 AND import_id = w.import_id
                         OFFSET 0) AS i
     CROSS JOIN LATERAL (SELECT import_id
                           FROM import_results
                          WHERE client_id = $1 AND import_id > w.import_id
                          ORDER BY import_id
                          LIMIT 1) AS next
     WHERE i.started_at < statement_timestamp() - make_interval(days => $2)
), expired AS (
    SELECT w.import_id, r.attempt, r.index
      FROM walked w
     CROSS JOIN LATERAL (SELECT ended_at, key_claimed_at
                           FROM imports
                          WHERE client_id = $1 AND import_id = w.import_id
                         OFFSET 0) AS i
     CROSS JOIN LATERAL (SELECT attempt, index
                           FROM import_results
                          WHERE client_id = $1 AND import_id = w.import_id
                          ORDER BY attempt, index
                          LIMIT $4) AS r
     WHERE i.ended_at < statement_timestamp() - make_interval(days => $2)
       AND (i.key_claimed_at < statement_timestamp() - make_interval(secs => $3)) IS NOT FALSE
     LIMIT $4
)
SELECT import_id, attempt, index FROM expired

-- name: delete_results
-- Deletes the outcomes of an import up to one of them. The same statement marks the import, so that an
-- undo which sees no mark after it listed the outcomes has seen all of them.
WITH marked AS (
    UPDATE imports
       SET outcomes_pruned_at = statement_timestamp()
     WHERE client_id = $1 AND import_id = $2 AND outcomes_pruned_at IS NULL
)
DELETE FROM import_results
 WHERE client_id = $1 AND import_id = $2 AND (attempt, index) <= ($3::integer, $4::bigint)

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

-- name: find_imports_end
-- The last of the next $4 imports after $2, up to the first that began less than $3 days ago.
SELECT max(import_id)
  FROM (SELECT import_id, started_at
          FROM imports
         WHERE client_id = $1 AND import_id > $2
         ORDER BY import_id
         LIMIT $4) AS next
 WHERE started_at < statement_timestamp() - make_interval(days => $3)

-- name: delete_imports
-- Deletes the imports after $2 up to $3 that ended more than $4 days ago, once no key claimed less than
-- $5 seconds ago refers to them and their outcomes are deleted.
DELETE FROM imports i
 WHERE i.client_id = $1 AND i.import_id > $2 AND i.import_id <= $3 AND i.state <> 'running'
   AND i.ended_at < statement_timestamp() - make_interval(days => $4)
   AND (i.key_claimed_at < statement_timestamp() - make_interval(secs => $5)) IS NOT FALSE
   AND (SELECT true
          FROM import_results r
         WHERE r.client_id = $1 AND r.import_id = i.import_id
         LIMIT 1) IS NULL

-- name: delete_progress
-- Deletes the rows that delete_imports left behind.
DELETE FROM import_progress p
 WHERE p.client_id = $1 AND p.import_id > $2 AND p.import_id <= $3
   AND (SELECT true FROM imports i WHERE i.client_id = $1 AND i.import_id = p.import_id) IS NULL
