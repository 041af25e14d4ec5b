-- name: counts
SELECT outcome, error, count(*) AS number
  FROM import_results
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3
 GROUP BY outcome, error

-- name: page
-- Keyset by the primary key: stored outcomes never change, so that no cursor is held open.
SELECT index, outcome, external_id, name, project_id, version, tasks, line, error, message, extra,
       warnings
  FROM import_results
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3 AND index > $4
   AND (outcome = ANY ($5::text[]))
 ORDER BY index
 LIMIT $6
