-- name: speak
-- Values as text are the same whatever the role's settings: SET LOCAL gets through PgBouncer. Plans
-- are made for the values at hand: a kept one may be from when the tables were small.
SELECT set_config('datestyle', 'ISO, YMD', true),
       set_config('intervalstyle', 'iso_8601', true),
       set_config('timezone', 'UTC', true),
       set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: current
-- The version that a project is at. It is read to its end whatever comes after it.
SELECT version FROM projects WHERE client_id = $1 AND project_id = $2

-- name: list
-- A page behind a project, with the conditions that were asked for.
SELECT p.project_id, row_to_json(said)::text AS line
  FROM projects p
  JOIN project_versions v USING (client_id, project_id, version)
  LEFT JOIN project_locks l
         ON l.client_id = p.client_id AND l.project_id = p.project_id
        AND l.expires_at > clock_timestamp()
 CROSS JOIN LATERAL (
       SELECT p.project_id, p.external_id, v.name, v.code, v.status, p.version, v.source,
              p.archived_at, v.import_id, v.created_at AS updated_at, v.created_by AS updated_by,
              CASE WHEN l.holder IS NOT NULL
                   THEN json_build_object('holder', l.holder, 'expires_at', l.expires_at)
               END AS lock) AS said
 WHERE p.client_id = $1 AND p.project_id > $2
{conditions}
 ORDER BY p.project_id
 LIMIT $3

-- name: active
   AND p.archived_at IS NULL

-- name: archived
   AND p.archived_at IS NOT NULL

-- name: from_source
   AND v.source = {0}

-- name: changed
   AND v.created_at >= {0} AND v.created_at < {1}

-- name: having
-- No index serves it: each would cost every import. A page stops at its limit.
   AND strpos(lower(concat_ws(E'\n', p.external_id, v.name, v.code)), lower({0}::text)) > 0

-- name: not_mentioned
   AND NOT EXISTS (
       SELECT FROM import_results r
        WHERE r.client_id = $1 AND r.import_id = {0} AND r.attempt = {1}
          AND r.external_id = p.external_id)

-- name: watermark
-- What was stamped before it is there to be seen. A transaction stamps what it writes with the time
-- of its own start, and others see it at its end; so the oldest one of the service's that is open
-- sets the mark. A second is left for one that began but does not show yet.
SELECT least(clock_timestamp() - interval '1 second',
             (SELECT min(xact_start)
                FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()
                 AND usename = current_user
                 AND application_name = current_setting('application_name')))

-- name: mentioned
-- Whether the outcomes of an import tell all that its file had: pruning takes the first ones first,
-- and the last one says where the file broke off.
SELECT i.state, i.attempt,
       EXISTS (SELECT FROM import_results r
                WHERE r.client_id = $1 AND r.import_id = $2 AND r.attempt = i.attempt
                  AND r.index = 0) AS kept,
       (SELECT r.error FROM import_results r
         WHERE r.client_id = $1 AND r.import_id = $2 AND r.attempt = i.attempt
         ORDER BY r.index DESC
         LIMIT 1) AS last_error
  FROM imports i
 WHERE i.client_id = $1 AND i.import_id = $2

-- name: own
-- What one version says itself.
SELECT p.external_id, v.version::text AS read_at, v.shared_objects,
       v.name, v.code, v.status, v.description, v.manager, v.currency, v.start::text AS start,
       v.finish::text AS finish, v.priority::text AS priority, v.source,
       v.attributes::text AS attributes
  FROM projects p
  JOIN project_versions v USING (client_id, project_id)
 WHERE p.client_id = $1 AND p.project_id = $2 AND v.version = $3

-- name: own_json
SELECT v.shared_objects, row_to_json(said)::text AS line
  FROM projects p
  JOIN project_versions v USING (client_id, project_id)
  LEFT JOIN project_locks l
         ON l.client_id = p.client_id AND l.project_id = p.project_id
        AND l.expires_at > clock_timestamp()
 CROSS JOIN LATERAL (
       SELECT p.project_id, p.external_id, v.version, p.version AS current_version, p.archived_at,
              v.import_id, v.created_at AS updated_at, v.created_by AS updated_by,
              v.name, v.code, v.status, v.description,
              v.manager, v.currency, v.start, v.finish, v.priority, v.source,
              CASE WHEN l.holder IS NOT NULL
                   THEN json_build_object('holder', l.holder, 'expires_at', l.expires_at)
               END AS lock,
              v.attributes) AS said
 WHERE p.client_id = $1 AND p.project_id = $2 AND v.version = $3

-- name: kept
-- Whether a version is there. Pruning takes a version before its children: where it is there at the
-- end of a reading, nothing of it was missed.
SELECT true FROM project_versions WHERE client_id = $1 AND project_id = $2 AND version = $3

-- name: records
-- A page of {table}, in the order of the file: rows behind an ordinal until they come to $5 bytes as
-- they are stored, and one at least. Sizes are summed without reading what is stored apart.
SELECT ordinal, {columns}
  FROM (SELECT t.*, sum({size}) OVER (ORDER BY ordinal ROWS UNBOUNDED PRECEDING) - {size} AS before
          FROM {table} t
         WHERE client_id = $1 AND project_id = $2 AND version = $3 AND ordinal > $4
         ORDER BY ordinal
         LIMIT $6) AS t
 WHERE before < $5
 ORDER BY ordinal

-- name: shared
-- As records, of the objects whose hashes are given.
SELECT hash, {columns}
  FROM (SELECT s.*, sum({size}) OVER (ORDER BY hash ROWS UNBOUNDED PRECEDING) - {size} AS before
          FROM shared_objects s
         WHERE client_id = $1 AND hash = ANY ($2::bytea[])) AS t
 WHERE before < $3
 ORDER BY hash

-- name: versions
-- A page of the versions that are kept of a project, behind one.
SELECT v.version, row_to_json(said)::text AS line
  FROM project_versions v
  JOIN projects p USING (client_id, project_id)
  LEFT JOIN imports i USING (client_id, import_id)
 CROSS JOIN LATERAL (
       SELECT v.version, v.version = p.version AS current, v.name, v.status, v.source, v.import_id,
              v.created_at AS updated_at, v.created_by AS updated_by, i.notes) AS said
 WHERE v.client_id = $1 AND v.project_id = $2 AND v.version > $3::bigint
 ORDER BY v.version
 LIMIT $4
