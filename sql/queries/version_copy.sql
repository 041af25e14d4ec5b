-- name: read_time
-- The start of the transaction. Citus would execute a now() that an INSERT selects on the client's node,
-- by its clock; but the versions that a reader has not seen are found by the coordinator's: see watermark
-- in projects.sql.
SELECT now()

-- name: copy_versions
-- Copies versions of projects to new versions; $5 archives the new one or activates it, and NULL keeps
-- what the source is; $6 is the import that writes it, or NULL; $8 is read_time. Here and below, OFFSET 0
-- makes the planner look up each row by its whole key: a join would read all rows of the client for each
-- batch.
INSERT INTO project_versions (client_id, project_id, version, import_id, created_at, created_by,
                              content_hash, shared_objects, archived_at, task_count,
                              warning_count, progress, {columns})
SELECT $1, v.project_id, n.to_version, $6, $8, $7, v.content_hash, v.shared_objects,
       CASE n.archive WHEN true THEN $8 WHEN false THEN NULL ELSE v.archived_at END,
       v.task_count, v.warning_count, v.progress, {columns}
  FROM unnest($2::bigint[], $3::integer[], $4::integer[], $5::boolean[])
       AS n (project_id, from_version, to_version, archive)
 CROSS JOIN LATERAL (SELECT *
                       FROM project_versions
                      WHERE client_id = $1 AND project_id = n.project_id AND version = n.from_version
                     OFFSET 0) AS v

-- name: copy_records
-- Copies the records of {table} whose ordinals are from $5 up to $6, so that no statement takes long.
-- Returns how many records of each project were copied.
WITH copied AS (
    INSERT INTO {table} (client_id, project_id, version, {columns})
    SELECT $1, r.project_id, n.to_version, {columns}
      FROM unnest($2::bigint[], $3::integer[], $4::integer[]) AS n (project_id, from_version, to_version)
     CROSS JOIN LATERAL (SELECT *
                           FROM {table}
                          WHERE client_id = $1 AND project_id = n.project_id
                            AND version = n.from_version AND ordinal >= $5 AND ordinal < $6
                         OFFSET 0) AS r
    RETURNING project_id
)
SELECT project_id, count(*) AS number FROM copied GROUP BY project_id

-- name: find_versions
-- Returns the projects of which a version is stored. Pruning deletes a version before its records: if
-- the version is still there after a copy, the copy missed none of them. (FOR SHARE would require the
-- right to update.)
SELECT v.project_id
  FROM unnest($2::bigint[], $3::integer[]) AS n (project_id, version)
 CROSS JOIN LATERAL (SELECT project_id
                       FROM project_versions
                      WHERE client_id = $1 AND project_id = n.project_id AND version = n.version
                     OFFSET 0) AS v
