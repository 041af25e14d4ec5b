-- name: attempts
SELECT attempt FROM imports WHERE client_id = $1 AND import_id = $2

-- name: changes
-- What an attempt of an import did to projects, a page behind an index.
SELECT index, outcome, external_id, name, project_id, tasks
  FROM import_results
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3 AND index > $4
   AND outcome IN ('created', 'updated')
 ORDER BY index
 LIMIT $5

-- name: standing
-- Under the projects' locks: the current version of each, whether the import $3 made it, the last
-- version before that another made, and whether the import began the project.
SELECT p.project_id, p.version, v.import_id IS NOT DISTINCT FROM $3 AS ours,
       (SELECT max(b.version)
          FROM project_versions b
         WHERE b.client_id = $1 AND b.project_id = p.project_id AND b.version < p.version
           AND b.import_id IS DISTINCT FROM $3) AS before,
       EXISTS (SELECT FROM project_versions f
                WHERE f.client_id = $1 AND f.project_id = p.project_id AND f.version = 1
                  AND f.import_id = $3) AS begun,
       l.holder AS locked_by, l.expires_at AS locked_until
  FROM unnest($2::bigint[]) AS n (project_id)
 CROSS JOIN LATERAL (SELECT *
                       FROM projects
                      WHERE client_id = $1 AND project_id = n.project_id
                     OFFSET 0) AS p
 CROSS JOIN LATERAL (SELECT import_id
                       FROM project_versions
                      WHERE client_id = $1 AND project_id = p.project_id AND version = p.version
                     OFFSET 0) AS v
  LEFT JOIN LATERAL (SELECT *
                       FROM project_locks
                      WHERE client_id = $1 AND project_id = p.project_id
                        AND holder IS DISTINCT FROM $4 AND expires_at > clock_timestamp()
                     OFFSET 0) AS l ON true

-- name: kept
-- Asked before a copy and after it: pruning takes a version before its rows, so that where it is there
-- at the end nothing of it was missed. (FOR SHARE would want the right to change it.) Here and below,
-- OFFSET 0 has each looked up by its whole key: a join would read all of the client's rows for each
-- batch.
SELECT v.project_id
  FROM unnest($2::bigint[], $3::integer[]) AS n (project_id, version)
 CROSS JOIN LATERAL (SELECT project_id
                       FROM project_versions
                      WHERE client_id = $1 AND project_id = n.project_id AND version = n.version
                     OFFSET 0) AS v

-- name: copy_versions
-- A new version of each, that says what $3 said; $5 tells which are put away with it.
INSERT INTO project_versions (client_id, project_id, version, import_id, created_by, content_hash,
                              shared_objects, archived_at, {columns})
SELECT $1, v.project_id, n.next, $6, $7, v.content_hash, v.shared_objects,
       CASE WHEN n.away THEN now() ELSE v.archived_at END, {columns}
  FROM unnest($2::bigint[], $3::integer[], $4::integer[], $5::boolean[])
       AS n (project_id, version, next, away)
 CROSS JOIN LATERAL (SELECT *
                       FROM project_versions
                      WHERE client_id = $1 AND project_id = n.project_id AND version = n.version
                     OFFSET 0) AS v

-- name: copy_children
-- So many rows of each at most, so that no statement takes long.
WITH copied AS (
    INSERT INTO {table} (client_id, project_id, version, {columns})
    SELECT $1, c.project_id, n.next, {columns}
      FROM unnest($2::bigint[], $3::integer[], $4::integer[]) AS n (project_id, version, next)
     CROSS JOIN LATERAL (SELECT *
                           FROM {table}
                          WHERE client_id = $1 AND project_id = n.project_id
                            AND version = n.version AND ordinal >= $5 AND ordinal < $6
                         OFFSET 0) AS c
    RETURNING project_id
)
SELECT project_id, count(*) AS number FROM copied GROUP BY project_id

-- name: move_pointers
-- As the writer's.
INSERT INTO projects (client_id, project_id, external_id, version, content_hash, archived_at)
SELECT $1, n.project_id, n.external_id, n.next, v.content_hash, v.archived_at
  FROM unnest($2::bigint[], $3::text[], $4::integer[]) AS n (project_id, external_id, next)
 CROSS JOIN LATERAL (SELECT *
                       FROM project_versions
                      WHERE client_id = $1 AND project_id = n.project_id AND version = n.next
                     OFFSET 0) AS v
ON CONFLICT (client_id, project_id) DO UPDATE
   SET version = excluded.version, content_hash = excluded.content_hash,
       archived_at = excluded.archived_at
