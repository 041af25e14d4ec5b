-- name: element_paths
-- The code of a WBS element is unique only below its parent, so a path of codes identifies it. An
-- element deeper than {depth} has no path.
elements AS MATERIALIZED (SELECT side, id, parent_id, wbs FROM task_rows WHERE kind = 'wbs'),
paths (side, id, depth, path) AS (
    SELECT side, id, 1, md5(wbs)
      FROM elements
     WHERE parent_id IS NULL AND wbs IS NOT NULL
     UNION ALL
    SELECT e.side, e.id, p.depth + 1, md5(p.path || e.wbs)
      FROM paths AS p
      JOIN elements AS e ON e.side = p.side AND e.parent_id = p.id
     WHERE e.wbs IS NOT NULL AND p.depth < {depth}),
task_candidates AS (
    SELECT r.side, r.ref, r.kind, r.id, r.parent_id, r.guid,
           CASE r.kind WHEN 'wbs' THEN p.path ELSE r.code END COLLATE "C" AS code
      FROM task_rows AS r
      LEFT JOIN paths AS p ON r.kind = 'wbs' AND p.side = r.side AND p.id = r.id)

-- name: keys
-- One key for the two records that are the same in both versions. In the first round, records match by
-- {first}, in the second by {second}, in the third by id. A value counts only if it is unique in its
-- version. The third round never matches records whose GUIDs differ; nor, between two databases, records
-- whose codes differ.
{name}_first AS MATERIALIZED (
    SELECT side, ref, kind, id, parent_id, code, guid,
           {first} IS NOT NULL AND olds = 1 AND news = 1 AS found,
           {first} IS NOT NULL AND CASE side WHEN 0 THEN olds ELSE news END = 1 AS has_{first}
      FROM (SELECT *, count(*) FILTER (WHERE side = 0) OVER same AS olds,
                   count(*) FILTER (WHERE side = 1) OVER same AS news
              FROM {name}_candidates
            WINDOW same AS (PARTITION BY kind, {first})) AS c),
{name}_second AS (
    SELECT side, ref, kind, id, parent_id, code, guid, has_{first},
           {second} IS NOT NULL AND olds = 1 AND news = 1 AS found,
           {second} IS NOT NULL AND CASE side WHEN 0 THEN olds ELSE news END = 1 AS has_{second}
      FROM (SELECT *, count(*) FILTER (WHERE side = 0) OVER same AS olds,
                   count(*) FILTER (WHERE side = 1) OVER same AS news
              FROM {name}_first
             WHERE NOT found
            WINDOW same AS (PARTITION BY kind, {second})) AS c),
{name}_keys AS MATERIALIZED (
    SELECT side, ref, kind, id, parent_id, '1 ' || kind || ' ' || {first} AS key
      FROM {name}_first
     WHERE found
     UNION ALL
    SELECT side, ref, kind, id, parent_id,
           CASE WHEN found THEN '2 ' || kind || ' ' || {second}
                WHEN olds = 1 AND news = 1 AND id IS NOT NULL AND guids < 2
                     AND (codes < 2 OR NOT {moved}) THEN '3 ' || kind || ' ' || id
                ELSE {rest} END
      FROM (SELECT *, count(*) FILTER (WHERE side = 0) OVER same AS olds,
                   count(*) FILTER (WHERE side = 1) OVER same AS news,
                   count(*) FILTER (WHERE has_code) OVER same AS codes,
                   count(*) FILTER (WHERE has_guid) OVER same AS guids
              FROM {name}_second
            WINDOW same AS (PARTITION BY found, kind, id)) AS c)

-- name: keys_by_id
-- Records match by kind and id alone.
{name}_keys AS MATERIALIZED (
    SELECT side, ref, kind, id, parent_id, kind || ' ' || coalesce(id, '') AS key
      FROM {name}_candidates)

-- name: same_ids
-- Whether an id means the same task in both versions, so that every key would match the same tasks. An
-- id is unique in its version; all tasks with the same id have the same keys, and a key of any other task
-- is not in the other version. Elements with the same parents and codes have the same path.
WITH old AS MATERIALIZED ({old}),
new AS MATERIALIZED ({new}),
other AS MATERIALIZED (
    SELECT o.id IS NULL AS is_new, n.id IS NULL AS is_old, coalesce(o.kind, n.kind) AS kind,
           coalesce(o.code, n.code) AS code, coalesce(o.guid, n.guid) AS guid
      FROM old AS o
      FULL JOIN new AS n ON n.id = o.id
     WHERE ROW(o.kind, o.code, o.guid, o.above) IS DISTINCT FROM ROW(n.kind, n.code, n.guid, n.above))
SELECT NOT EXISTS (SELECT FROM other WHERE NOT is_old AND NOT is_new)
   AND NOT EXISTS (SELECT FROM old GROUP BY id HAVING count(*) > 1)
   AND NOT EXISTS (SELECT FROM new GROUP BY id HAVING count(*) > 1)
   AND NOT EXISTS (
       SELECT FROM (SELECT * FROM other WHERE is_old) AS o
         JOIN (SELECT * FROM other WHERE is_new) AS n ON n.kind = o.kind AND n.code = o.code)
   AND NOT EXISTS (
       SELECT FROM (SELECT * FROM other WHERE is_old) AS o
         JOIN (SELECT * FROM other WHERE is_new) AS n ON n.kind = o.kind AND n.guid = o.guid)

-- name: task_keys
-- The keys of the tasks of a version, as ``same_ids`` compares them.
SELECT task_id AS id, kind, CASE kind WHEN 'wbs' THEN wbs ELSE {code} END AS code, guid,
       CASE kind WHEN 'wbs' THEN parent_id END AS above
  FROM tasks
 WHERE client_id = $1 AND project_id = $2 AND version = {version}

-- name: task_ids
SELECT {side} AS side, ordinal AS ref, task_id COLLATE "C" AS id, task_id COLLATE "C" AS key,
       parent_id COLLATE "C" AS parent, NULL::integer AS one, NULL::integer AS two
  FROM tasks
 WHERE client_id = $1 AND project_id = $2 AND version = {version}

-- name: ends
-- The tasks that ids refer to. An id that an activity and a WBS element share means the activity.
ends AS (
    SELECT DISTINCT ON (side, id) side, id, ref, key FROM task_keys ORDER BY side, id, kind)

-- name: parents
-- An id that a WBS element and an activity share means the element.
parents AS (
    SELECT DISTINCT ON (side, id) side, id, key FROM task_keys ORDER BY side, id, kind DESC)

-- name: keyed_tasks
keyed AS (
    SELECT k.side, k.ref, k.key, coalesce(p.key, k.parent_id) AS parent,
           NULL::integer AS one, NULL::integer AS two
      FROM task_keys AS k
      LEFT JOIN parents AS p ON p.side = k.side AND p.id = k.parent_id)

-- name: keyed_dependencies
keyed AS (
    SELECT d.side, d.ref, NULL::text AS parent, p.ref AS one, s.ref AS two,
           jsonb_build_array(coalesce(p.key, d.predecessor_id), coalesce(s.key, d.successor_id),
                             d.type)::text COLLATE "C" AS key
      FROM dependency_rows AS d
      LEFT JOIN ends AS p ON p.side = d.side AND p.id = d.predecessor_id
      LEFT JOIN ends AS s ON s.side = d.side AND s.id = d.successor_id)

-- name: keyed_assignments
keyed AS (
    SELECT a.side, a.ref, NULL::text AS parent, t.ref AS one, r.ref AS two,
           jsonb_build_array(coalesce(t.key, a.task_id), coalesce(r.key, a.resource_id))::text
               COLLATE "C" AS key
      FROM assignment_rows AS a
      LEFT JOIN ends AS t ON t.side = a.side AND t.id = a.task_id
      LEFT JOIN resource_keys AS r ON r.side = a.side AND r.id = a.resource_id)

-- name: keyed_others
keyed AS (
    SELECT side, ref, key, NULL::text AS parent, NULL::integer AS one, NULL::integer AS two
      FROM {name}_keys)

-- name: task_rows
SELECT {side} AS side, ordinal AS ref, kind COLLATE "C" AS kind, task_id COLLATE "C" AS id,
       parent_id COLLATE "C" AS parent_id, {code} COLLATE "C" AS code,
       guid COLLATE "C" AS guid, wbs
  FROM tasks
 WHERE client_id = $1 AND project_id = $2 AND version = {version}

-- name: dependency_rows
SELECT {side} AS side, ordinal AS ref, predecessor_id, successor_id, type
  FROM dependencies
 WHERE client_id = $1 AND project_id = $2 AND version = {version}

-- name: resource_rows
SELECT {side} AS side, ordinal AS ref, '' AS kind, resource_id COLLATE "C" AS id,
       NULL::text AS parent_id, {code} COLLATE "C" AS code,
       lower(btrim(attributes ->> 'GUID', '{{}}')) COLLATE "C" AS guid
  FROM resources
 WHERE client_id = $1 AND project_id = $2 AND version = {version}

-- name: assignment_rows
SELECT {side} AS side, ordinal AS ref, task_id, resource_id
  FROM assignments
 WHERE client_id = $1 AND project_id = $2 AND version = {version}

-- name: baseline_rows
SELECT {side} AS side, ordinal AS ref, '' AS kind, number::text COLLATE "C" AS id,
       NULL::text AS parent_id, {code} COLLATE "C" AS code, NULL::text COLLATE "C" AS guid
  FROM baselines
 WHERE client_id = $1 AND project_id = $2 AND version = {version}

-- name: baseline_task_rows
-- Tasks match within baselines that match: the number of a baseline is only its place in the file.
SELECT {side} AS side, t.ordinal AS ref, b.key || ' ' || t.kind COLLATE "C" AS kind,
       t.task_id COLLATE "C" AS id, NULL::text AS parent_id, {code} COLLATE "C" AS code,
       NULL::text COLLATE "C" AS guid
  FROM baseline_tasks AS t
  LEFT JOIN baseline_keys AS b ON b.side = {side} AND b.id = t.number::text COLLATE "C"
 WHERE t.client_id = $1 AND t.project_id = $2 AND t.version = {version}

-- name: planned_rows
-- The activities of a baseline. Its WBS elements have no key that the plan shares.
SELECT 0 AS side, ordinal AS ref, kind COLLATE "C" AS kind, task_id COLLATE "C" AS id,
       NULL::text COLLATE "C" AS parent_id, code COLLATE "C" AS code,
       NULL::text COLLATE "C" AS guid
  FROM baseline_tasks
 WHERE client_id = $1 AND project_id = $2 AND version = $4 AND number = $3 AND kind = 'activity'
 UNION ALL
SELECT side, ref, kind, id, NULL::text COLLATE "C", code, guid
  FROM ({tasks}) AS t
 WHERE kind = 'activity'

-- name: part_rows
SELECT {side} AS side, ordinal AS ref, element COLLATE "C" AS kind,
       coalesce(attributes ->> 'ObjectId', attributes ->> 'UID') COLLATE "C" AS id,
       NULL::text AS parent_id, {code} COLLATE "C" AS code,
       lower(btrim(attributes ->> 'GUID', '{{}}')) COLLATE "C" AS guid
  FROM project_parts
 WHERE client_id = $1 AND project_id = $2 AND version = {version}

-- name: shared_rows
SELECT {side} AS side, s.hash AS ref, s.element COLLATE "C" AS kind, s.object_id COLLATE "C" AS id,
       NULL::text AS parent_id, {code} COLLATE "C" AS code,
       lower(btrim(s.attributes ->> 'GUID', '{{}}')) COLLATE "C" AS guid
  FROM (SELECT unnest(shared_objects) AS hash
          FROM project_versions
         WHERE client_id = $1 AND project_id = $2 AND version = {version}) AS v
 CROSS JOIN LATERAL (
       SELECT * FROM shared_objects AS o WHERE o.client_id = $1 AND o.hash = v.hash OFFSET 0) AS s

-- name: names
-- Names of the calendars and roles of a version, by kind and id, for ids that no longer mean the same.
SELECT jsonb_object_agg(kind || ' ' || id, code) AS names
  FROM (SELECT kind, id, code FROM ({parts}) AS p WHERE kind IN ('Calendar', 'Role')
         UNION ALL
        SELECT kind, id, code FROM ({shared}) AS s WHERE kind IN ('Calendar', 'Role')
         LIMIT {most}) AS n
 WHERE id IS NOT NULL

-- name: keyed_project
keyed (side, ref, key, parent, one, two) AS (
    VALUES (0, $3::integer, '', NULL::text, NULL::integer, NULL::integer),
           (1, $4::integer, '', NULL::text, NULL::integer, NULL::integer))
