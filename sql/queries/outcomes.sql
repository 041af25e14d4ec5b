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
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3 AND index > $4 AND index <= $5
   AND outcome = ANY ($6::text[])
   AND ($7::text IS NULL OR error = $7)
   AND ($8::text IS NULL
        OR warnings @> jsonb_build_object('first', jsonb_build_array(jsonb_build_object('code', $8))))
   AND ($9::text IS NULL OR strpos(lower(concat_ws(E'\n', external_id, name)), lower($9)) > 0)
 ORDER BY index
 LIMIT $10

-- name: contiguous
-- How far outcomes go on behind $4 without a gap; those of a running import come as they land.
SELECT coalesce(max(index), $4)
  FROM (SELECT index, row_number() OVER (ORDER BY index) AS place
          FROM (SELECT index
                  FROM import_results
                 WHERE client_id = $1 AND import_id = $2 AND attempt = $3 AND index > $4
                 ORDER BY index
                 LIMIT $5) AS next) AS numbered
 WHERE index = $4 + place
