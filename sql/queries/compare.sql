-- name: differences
-- Differences between two versions, record by record. Records match by key; records with the same
-- key match by their order. Only rows that differ are converted to JSON, because that is slow.
WITH old AS (
    SELECT {key} AS key, {content} AS content, attributes, ordinal,
           row_number() OVER (PARTITION BY {key} ORDER BY ordinal) AS place
      FROM ({old}) AS r),
new AS (
    SELECT {key} AS key, {content} AS content, attributes, ordinal,
           row_number() OVER (PARTITION BY {key} ORDER BY ordinal) AS place
      FROM ({new}) AS r)
SELECT (CASE
        WHEN new.content IS NULL THEN jsonb_build_object('change', 'removed') || {old_identity}
        WHEN old.content IS NULL THEN jsonb_build_object('change', 'added') || {new_identity}
        ELSE jsonb_build_object('change', 'changed') || {new_identity} || jsonb_build_object(
             'fields', (
                 SELECT coalesce(jsonb_object_agg(
                            key, jsonb_build_object('from', o.value, 'to', n.value)), '{{}}')
                   FROM jsonb_each(to_jsonb(old.content)) AS o
                   JOIN jsonb_each(to_jsonb(new.content)) AS n USING (key)
                  WHERE o.value <> n.value),
             'attributes', (
                 SELECT coalesce(jsonb_object_agg(
                            key, jsonb_build_object('from', o.value, 'to', n.value)), '{{}}')
                   FROM jsonb_each(old.attributes) AS o
                   FULL JOIN jsonb_each(new.attributes) AS n USING (key)
                  WHERE o.value IS DISTINCT FROM n.value))
        END)::text AS line
  FROM old
  FULL JOIN new USING (key, place)
 WHERE old.content IS DISTINCT FROM new.content OR old.attributes IS DISTINCT FROM new.attributes
 ORDER BY coalesce(new.ordinal, old.ordinal), new.content IS NOT NULL

-- name: project
SELECT *, 0 AS ordinal FROM project_versions
 WHERE client_id = $1 AND project_id = $2 AND version = {version}

-- name: records
SELECT * FROM {table} WHERE client_id = $1 AND project_id = $2 AND version = {version}

-- name: shared
SELECT s.*, 0 AS ordinal
  FROM project_versions v
 CROSS JOIN unnest(v.shared_objects) AS t (hash)
  JOIN shared_objects s ON s.client_id = v.client_id AND s.hash = t.hash
 WHERE v.client_id = $1 AND v.project_id = $2 AND v.version = {version}
