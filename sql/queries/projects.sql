-- name: set_style
-- Prints values in the same style for every role; SET LOCAL works through PgBouncer. Plans for the
-- actual values, because a cached plan can date from when the tables were small. With each SET LOCAL,
-- Citus sends its whole message to the node of the client: inside DO, the statement alone.
DO $settings$ BEGIN
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = iso_8601;
SET LOCAL timezone = 'UTC';
SET LOCAL plan_cache_mode = force_custom_plan;
END $settings$

-- name: current
-- The current version of a project. A reader stays with it even if an import changes the project
-- meanwhile.
SELECT version
  FROM projects
 WHERE client_id = $1 AND project_id >= $2 AND project_id <= $2
 ORDER BY project_id
 LIMIT 1

-- name: follow_keys
-- As set_style, for queries that follow an index from row to row. With these settings no statistics
-- can turn their look-ups into a join or a sort of all rows of the client: an ORDER BY selects the
-- index that has that order.
DO $settings$ BEGIN
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = iso_8601;
SET LOCAL timezone = 'UTC';
SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_sort = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_material = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL jit = off;
END $settings$

-- name: merge_keys
-- As follow_keys, for a query that reads several indexes side by side, each in its order.
DO $settings$ BEGIN
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = iso_8601;
SET LOCAL timezone = 'UTC';
SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_sort = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_nestloop = off;
SET LOCAL enable_material = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL jit = off;
END $settings$

-- name: sort_rows
-- As merge_keys, for a query that sorts what it has read.
DO $settings$ BEGIN
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = iso_8601;
SET LOCAL timezone = 'UTC';
SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_nestloop = off;
SET LOCAL enable_material = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL jit = off;
END $settings$

-- name: hash_rows
-- For a query that compares all rows of two tables.
DO $settings$ BEGIN
SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_nestloop = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL jit = off;
END $settings$

-- name: list
-- A page of the given projects after $2, with the conditions of the request.
SELECT p.project_id, row_to_json(r)::text AS line
  FROM {projects}
 CROSS JOIN LATERAL (
       SELECT p.project_id, p.external_id, left(v.name, 500) AS name, left({title}, 500) AS title,
              left(v.code, 500) AS code, left(v.status, 500) AS status, v.start, v.finish, v.progress,
              v.task_count AS tasks, v.warning_count AS warnings, p.version, v.source, p.archived_at,
              v.import_id, v.created_at AS updated_at, v.created_by AS updated_by,
              CASE WHEN l.holder IS NOT NULL
                   THEN json_build_object('holder', l.holder, 'expires_at', l.expires_at)
               END AS lock) AS r
 WHERE p.client_id = $1 AND p.project_id > $2
{conditions}
 ORDER BY p.project_id
 LIMIT $3

-- name: list_all
-- All projects. Each table is read from $2 on; the planner would read the others from the start.
projects p
  JOIN project_versions v
       ON v.client_id = p.client_id AND v.project_id = p.project_id AND v.version = p.version
      AND v.project_id > $2
  LEFT JOIN project_locks l
         ON l.client_id = p.client_id AND l.project_id = p.project_id AND l.project_id > $2
        AND l.expires_at > clock_timestamp()

-- name: list_some
-- The projects with the ids {0}. The range of one id, with its ORDER BY, selects the primary key.
unnest({0}::bigint[]) AS n (id)
 CROSS JOIN LATERAL (SELECT *
                       FROM projects
                      WHERE client_id = $1 AND project_id >= n.id AND project_id <= n.id
                      ORDER BY project_id
                      LIMIT 1) AS p
 CROSS JOIN LATERAL (SELECT *
                       FROM project_versions
                      WHERE client_id = $1 AND project_id = n.id AND version = p.version
                     OFFSET 0) AS v
  LEFT JOIN LATERAL (SELECT *
                       FROM project_locks
                      WHERE client_id = $1 AND project_id = n.id AND expires_at > clock_timestamp()
                     OFFSET 0) AS l ON true

-- name: list_sorted
-- The first $2 projects by a key, and then by id. Projects without the key come last. No index has the
-- order, because it would slow down every import: each page reads all projects of the client.
SELECT p.project_id, ({key})::text AS key
  FROM projects p
  JOIN project_versions v
       ON v.client_id = p.client_id AND v.project_id = p.project_id AND v.version = p.version
 WHERE p.client_id = $1
{conditions}
 ORDER BY {key} {direction} NULLS LAST, p.project_id
 LIMIT $2

-- name: list_updated
-- As list_sorted, for the latest update first, which has an index: the order in which the page shows the
-- projects. The range of one id, with its ORDER BY, selects the primary key.
SELECT p.project_id, v.created_at::text AS key
  FROM project_versions v
 CROSS JOIN LATERAL (SELECT *
                       FROM projects
                      WHERE client_id = $1 AND project_id >= v.project_id
                        AND project_id <= v.project_id
                      ORDER BY project_id
                      LIMIT 1) AS p
 WHERE v.client_id = $1 AND v.created_at > '-infinity' AND v.version = p.version
{conditions}
 ORDER BY v.created_at DESC, p.project_id
 LIMIT $2

-- name: title
-- The name for people. Microsoft Project writes the name of its file as the project's name; then the
-- title is better, if the plan has one.
CASE WHEN v.source = 'mspdi' AND lower(right(v.name, 4)) IN ('.mpp', '.mpt', '.mpx', '.xml')
     THEN coalesce(nullif(btrim(v.attributes ->> 'Title'), ''), v.name)
     ELSE v.name END

-- name: find_by_external_id
-- The project with an external id. The range of one id, with its ORDER BY, selects the index of ids.
SELECT project_id
  FROM projects
 WHERE client_id = $1 AND external_id >= $2 AND external_id <= $2
 ORDER BY external_id
 LIMIT 1

-- name: list_changed
-- The projects of the first $4 versions that were created from $2 up to $3.
SELECT project_id
  FROM project_versions
 WHERE client_id = $1 AND created_at >= $2 AND created_at < $3 AND created_at > '-infinity'
 ORDER BY created_at
 LIMIT $4

-- name: list_missing
-- The next $5 projects after $2 that the outcomes of an import do not have.
SELECT p.project_id
  FROM projects p
 WHERE p.client_id = $1 AND p.project_id > $2
   AND NOT EXISTS (
       SELECT FROM import_results r
        WHERE r.client_id = $1 AND r.import_id = $3 AND r.attempt = $4
          AND r.external_id = p.external_id)
{archived}
 ORDER BY p.project_id
 LIMIT $5

-- name: active
   AND p.archived_at IS NULL

-- name: archived
   AND p.archived_at IS NOT NULL

-- name: from_source
   AND v.source = {0}

-- name: changed_between
   AND v.created_at >= {0} AND v.created_at < {1}

-- name: has_text
-- There is no index for this, because it would slow down every import. A page stops at its limit.
   AND strpos(lower(concat_ws(E'\n', p.external_id, v.name, v.code, {title})), lower({0}::text)) > 0

-- name: starts_from
   AND v.start >= {0}::date

-- name: starts_until
   AND v.start < {0}::date + 1

-- name: finishes_from
   AND v.finish >= {0}::date

-- name: finishes_until
   AND v.finish < {0}::date + 1

-- name: with_warnings
   AND v.warning_count > 0

-- name: without_warnings
   AND v.warning_count = 0

-- name: from_latest
-- Lets after_key begin at the place in the index of list_updated.
   AND {key} <= {0}::text::{type}

-- name: after_key
-- The projects after the one with the key {0} and the id {1}, in the order of list_sorted.
   AND (({key}) {beyond} {0}::text::{type} OR ({key}) IS NULL
        OR (({key}) = {0}::text::{type} AND p.project_id > {1}::bigint))

-- name: after_no_key
-- The projects without a key after the id {0}.
   AND ({key}) IS NULL AND p.project_id > {0}::bigint

-- name: watermark
-- Every version that was created before this time is visible. A transaction stamps its versions with
-- the time of its start, and others see them after its commit; so the start of the oldest open
-- transaction of the service, $1, is the limit. One second is subtracted for a transaction that
-- pg_stat_activity does not show yet. Sessions of all roles count; PgBouncer's application_name_add_host
-- adds " - host:port" to their name. NULL if one of them hides its transaction: it has a role whose
-- statistics this role may not read, or track_activities is off. A session that is still being opened
-- has no state either, but nor has it begun a transaction. This session shows that a pooler keeps the
-- name.
SELECT CASE WHEN bool_or(pid = pg_backend_pid())
                 AND NOT bool_or(coalesce(state = 'disabled', query = '<insufficient privilege>'))
            THEN least(statement_timestamp() - interval '1 second',
                       min(xact_start) FILTER (WHERE pid <> pg_backend_pid()))
       END
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND (application_name = $1 OR starts_with(application_name, $1 || ' - '))

-- name: completeness
-- Whether the outcomes of an import list every project of its files. Pruning removes the first ones
-- first. For an import of an earlier release, which had one file and no count of files, the last one
-- shows whether the file broke off. What an upload without its closing boundary lacks is not known.
SELECT i.state, i.attempt, i.files_failed,
       i.warnings @> jsonb_build_array(jsonb_build_object('code', 'UPLOAD_CUT_SHORT')) AS cut_short,
       EXISTS (SELECT FROM import_results r
                WHERE r.client_id = $1 AND r.import_id = $2 AND r.attempt = i.attempt
                  AND r.index = 0) AS kept,
       (SELECT r.error FROM import_results r
         WHERE r.client_id = $1 AND r.import_id = $2 AND r.attempt = i.attempt
         ORDER BY r.index DESC
         LIMIT 1) AS last_error
  FROM imports i
 WHERE i.client_id = $1 AND i.import_id = $2

-- name: project_as_text
-- A version's own row, without its records.
SELECT p.external_id, v.version::text AS read_at, v.shared_objects, {columns}
  FROM (SELECT *
          FROM projects
         WHERE client_id = $1 AND project_id >= $2::bigint AND project_id <= $2
         ORDER BY project_id
         LIMIT 1) AS p
  JOIN project_versions v USING (client_id, project_id)
 WHERE v.client_id = $1 AND v.project_id = $2 AND v.version = $3

-- name: project_as_json
SELECT v.shared_objects, row_to_json(r)::text AS line
  FROM (SELECT *
          FROM projects
         WHERE client_id = $1 AND project_id >= $2::bigint AND project_id <= $2
         ORDER BY project_id
         LIMIT 1) AS p
  JOIN project_versions v USING (client_id, project_id)
  LEFT JOIN project_locks l
         ON l.client_id = $1 AND l.project_id = $2 AND l.expires_at > clock_timestamp()
  LEFT JOIN version_labels n
         ON n.client_id = $1 AND n.project_id = $2 AND n.version = $3
 CROSS JOIN LATERAL (
       SELECT p.project_id, p.external_id, v.version, p.version AS current_version, p.archived_at,
              v.import_id, v.created_at AS updated_at, v.created_by AS updated_by, n.label,
              CASE WHEN l.holder IS NOT NULL
                   THEN json_build_object('holder', l.holder, 'expires_at', l.expires_at)
               END AS lock,
              {columns}) AS r
 WHERE v.client_id = $1 AND v.project_id = $2 AND v.version = $3

-- name: kept
-- Whether a version exists. Pruning removes a version before its records; so if it exists after its
-- records were read, none of them was missed.
SELECT true FROM project_versions WHERE client_id = $1 AND project_id = $2 AND version = $3

-- name: records
-- A page of {table} in file order: the rows after an ordinal, up to $5 bytes as stored, but at least
-- one. Summing up the sizes does not read values that are stored out of line.
SELECT ordinal, {columns}
  FROM (SELECT t.*, sum({size}) OVER (ORDER BY ordinal ROWS UNBOUNDED PRECEDING) - {size} AS before
          FROM {table} t
         WHERE client_id = $1 AND project_id = $2 AND version = $3 AND ordinal > $4
         ORDER BY ordinal
         LIMIT $6) AS t
 WHERE before < $5
 ORDER BY ordinal

-- name: shared
-- As records, for the objects with the given hashes.
SELECT hash, {columns}
  FROM (SELECT s.*, sum({size}) OVER (ORDER BY hash ROWS UNBOUNDED PRECEDING) - {size} AS before
          FROM shared_objects s
         WHERE client_id = $1 AND hash = ANY ($2::bytea[])) AS t
 WHERE before < $3
 ORDER BY hash

-- name: versions
-- The page of a project's versions after one of them.
SELECT v.version, row_to_json(r)::text AS line
  FROM (SELECT *
          FROM projects
         WHERE client_id = $1 AND project_id >= $2::bigint AND project_id <= $2
         ORDER BY project_id
         LIMIT 1) AS p
 CROSS JOIN LATERAL (SELECT *
                       FROM project_versions
                      WHERE client_id = $1 AND project_id = $2 AND version > $3::bigint
                      ORDER BY version
                      LIMIT $4) AS v
  LEFT JOIN LATERAL (SELECT notes
                       FROM imports
                      WHERE client_id = $1 AND import_id = v.import_id
                     OFFSET 0) AS i ON true
  LEFT JOIN LATERAL (SELECT label
                       FROM version_labels
                      WHERE client_id = $1 AND project_id = $2 AND version = v.version
                     OFFSET 0) AS n ON true
 CROSS JOIN LATERAL (
       SELECT v.version, v.version = p.version AS current, n.label, left(v.name, 500) AS name,
              left(v.status, 500) AS status, v.source, v.import_id, v.created_at AS updated_at,
              v.created_by AS updated_by, i.notes) AS r
 ORDER BY v.version
