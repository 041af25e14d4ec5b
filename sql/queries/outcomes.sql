-- name: count_outcomes
SELECT outcome, error, count(*) AS number
  FROM import_results
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3
 GROUP BY outcome, error

-- name: list_outcomes
-- A page by the primary key. Stored outcomes never change, so no cursor stays open between pages.
SELECT index, outcome, external_id, name, file, line, project_id, version, tasks, error, message,
       extra, warnings
  FROM import_results
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3 AND index > $4 AND index <= $5
   AND outcome = ANY ($6::text[])
   AND ($7::text IS NULL OR error = $7)
   AND ($8::text IS NULL
        OR warnings @> jsonb_build_object('first', jsonb_build_array(jsonb_build_object('code', $8))))
   AND ($9::text IS NULL OR strpos(lower(concat_ws(E'\n', external_id, name, file)), lower($9)) > 0)
   AND (NOT $10::boolean OR warnings IS NOT NULL)
 ORDER BY index
 LIMIT $11

-- name: last_index
SELECT index
  FROM import_results
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3
 ORDER BY index DESC
 LIMIT 1

-- name: last_contiguous
-- The last index after $4 without a gap: batches of a running import commit in any order.
SELECT coalesce(max(index), $4)
  FROM (SELECT index, row_number() OVER (ORDER BY index) AS place
          FROM (SELECT index
                  FROM import_results
                 WHERE client_id = $1 AND import_id = $2 AND attempt = $3 AND index > $4
                 ORDER BY index
                 LIMIT $5) AS next) AS numbered
 WHERE index = $4 + place
