-- name: read_import
-- The import to undo: its last attempt, how many projects that changed, and whether outcomes of any
-- attempt were pruned.
SELECT attempt, (counts->>'created')::bigint + (counts->>'updated')::bigint AS changed,
       outcomes_pruned_at IS NOT NULL AS pruned
  FROM imports
 WHERE client_id = $1 AND import_id = $2

-- name: list_changes
-- A page of the projects that an attempt of an import created or updated, after an index.
SELECT index, outcome, external_id, name, project_id, tasks
  FROM import_results
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3 AND index > $4
   AND outcome IN ('created', 'updated')
 ORDER BY index
 LIMIT $5

-- name: read_current
-- Runs under the projects' locks. Reads the current version of each, whether the import $3 wrote it,
-- the last version before it that another writer made, whether a version after that one was pruned, and
-- whether the import wrote version 1. An import may write a project in several attempts. restored_tasks is
-- not null if an earlier attempt of the undo $5 restored the project. Look-ups are as in writer.sql;
-- instead of EXISTS, the planner may hash all versions of the client.
SELECT p.project_id, p.version, v.import_id IS NOT DISTINCT FROM $3 AS by_import,
       before.version AS before,
       (SELECT count(*)
          FROM project_versions r
         WHERE r.client_id = $1 AND r.project_id = p.project_id AND r.version > before.version
           AND r.version <= p.version) < p.version - before.version AS gap,
       (SELECT f.import_id = $3
          FROM project_versions f
         WHERE f.client_id = $1 AND f.project_id = p.project_id AND f.version = 1) IS TRUE AS created,
       CASE WHEN v.import_id = $5 THEN
           (SELECT count(*)
              FROM tasks t
             WHERE t.client_id = $1 AND t.project_id = p.project_id AND t.version = p.version)
       END AS restored_tasks,
       l.holder AS locked_by, l.expires_at AS locked_until
  FROM unnest($2::bigint[]) AS n (project_id)
 CROSS JOIN LATERAL (SELECT *
                       FROM projects
                      WHERE client_id = $1
                        AND project_id >= n.project_id AND project_id <= n.project_id
                      ORDER BY project_id
                      LIMIT 1) AS p
 CROSS JOIN LATERAL (SELECT import_id
                       FROM project_versions
                      WHERE client_id = $1 AND project_id = p.project_id AND version = p.version
                     OFFSET 0) AS v
 CROSS JOIN LATERAL (SELECT max(b.version) AS version
                       FROM project_versions b
                      WHERE b.client_id = $1 AND b.project_id = p.project_id
                        AND b.version < p.version AND b.import_id IS DISTINCT FROM $3) AS before
  LEFT JOIN LATERAL (SELECT *
                       FROM project_locks
                      WHERE client_id = $1 AND project_id = p.project_id
                        AND holder IS DISTINCT FROM $4 AND expires_at > clock_timestamp()
                     OFFSET 0) AS l ON true

-- name: move_pointers
-- As in writer.sql; archived_at follows the version.
INSERT INTO projects (client_id, project_id, external_id, version, content_hash, archived_at)
SELECT $1, n.project_id, n.external_id, n.target, v.content_hash, v.archived_at
  FROM unnest($2::bigint[], $3::text[], $4::integer[]) AS n (project_id, external_id, target)
 CROSS JOIN LATERAL (SELECT *
                       FROM project_versions
                      WHERE client_id = $1 AND project_id = n.project_id AND version = n.target
                     OFFSET 0) AS v
ON CONFLICT (client_id, project_id) DO UPDATE
   SET version = excluded.version, content_hash = excluded.content_hash,
       archived_at = excluded.archived_at
