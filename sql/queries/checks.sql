-- name: checks
-- The checks of a project's current version. The condition on its version reaches every table.
SELECT point, check_name AS name, count, total, percentage::float8, threshold::float8, passed,
       not_computed, findings
  FROM current_checks
 WHERE client_id = $1 AND project_id = $2 AND version = $3 AND check_name = ANY ($4::text[])
 ORDER BY point

-- name: findings
-- The first $6 findings after position $5 of each check, in the order of the file.
SELECT check_name, position, row_to_json(r)::text AS line
  FROM (SELECT f.*, row_number() OVER (PARTITION BY check_name ORDER BY position) AS place
          FROM current_check_findings f
         WHERE client_id = $1 AND project_id = $2 AND version = $3
           AND check_name = ANY ($4::text[]) AND position > $5::bigint) AS f
 CROSS JOIN LATERAL (
       SELECT f.task_id, left(f.code, 500) AS code, left(f.wbs, 500) AS wbs,
              left(f.name, 500) AS name, f.predecessor_id, left(f.value, 500) AS value) AS r
 WHERE place <= $6::bigint
