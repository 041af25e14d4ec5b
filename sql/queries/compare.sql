-- name: settings
-- Prints values in the same style for every role; SET LOCAL works through PgBouncer. No statistics are
-- needed: rows of a version are read by primary key, and everything else is hashed or sorted, because a
-- nested loop over two versions would take hours.
DO $settings$ BEGIN
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = iso_8601;
SET LOCAL timezone = 'UTC';
SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_nestloop = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL jit = off;
END $settings$

-- name: versions
-- What decides how two versions are compared, and the dates of the project in both.
SELECT version, source, data_date, finish, attributes ->> 'ObjectId' AS object_id
  FROM project_versions
 WHERE client_id = $1 AND project_id = $2 AND version = ANY ($3::integer[])

-- name: totals
-- The latest finish of a task, for versions whose project has no finish, and what the work below the
-- summaries costs and takes.
SELECT max(finish) AS finish,
       (sum(cost) FILTER (WHERE kind = 'activity' AND NOT summary))::text AS cost,
       (sum(work) FILTER (WHERE kind = 'activity' AND NOT summary))::text AS work
  FROM tasks
 WHERE client_id = $1 AND project_id = $2 AND version = $3

-- name: baseline_totals
-- The same for a baseline. It does not say which of its tasks are summaries, so the plan does.
SELECT max(b.finish) AS finish,
       (sum(b.cost) FILTER (WHERE b.kind = 'activity' AND s.task_id IS NULL))::text AS cost,
       (sum(b.work) FILTER (WHERE b.kind = 'activity' AND s.task_id IS NULL))::text AS work
  FROM baseline_tasks AS b
  LEFT JOIN (SELECT DISTINCT task_id
               FROM tasks
              WHERE client_id = $1 AND project_id = $2 AND version = $3 AND summary) AS s USING (task_id)
 WHERE b.client_id = $1 AND b.project_id = $2 AND b.version = $3 AND b.number = $4

-- name: current_baseline
-- The baseline that a version says is current.
SELECT number, name
  FROM baselines
 WHERE client_id = $1 AND project_id = $2 AND version = $3 AND current
 ORDER BY ordinal
 LIMIT 1

-- name: differences
-- Differences between two versions, record by record. Pairs of positions are made from narrow rows.
-- The whole rows are then read by primary key, in the order of the file, so that they are never sorted.
-- OFFSET 0 makes PostgreSQL compute an expression once. Only rows that differ are converted to JSON,
-- because that is slow. A column that is null in one version, although both have the element that fills
-- it, has not changed: one version was stored before the column existed.
WITH RECURSIVE {tables},
{pairs},
whole AS (
    SELECT p.*, ({old_row}) AS o, ({new_row}) AS n
      FROM (SELECT * FROM pairs ORDER BY coalesce(new, old), new IS NOT NULL) AS p
    OFFSET 0)
SELECT (CASE
        WHEN p.new IS NULL THEN jsonb_build_object('change', 'removed') || {old_identity}
        WHEN p.old IS NULL THEN jsonb_build_object('change', 'added') || {new_identity}
        ELSE jsonb_build_object('change', 'changed') || {new_identity} || jsonb_build_object(
             'fields', coalesce(f.fields, '{{}}'), 'attributes', coalesce(a.attributes, '{{}}'))
        END)::text AS line,
       ({facts})::text AS facts
  FROM whole AS p
 CROSS JOIN LATERAL (
       SELECT CASE WHEN p.old IS NOT NULL AND p.new IS NOT NULL
                    AND ROW({old_values}) IS DISTINCT FROM ROW({new_values})
              THEN (SELECT jsonb_object_agg(key, jsonb_build_object(
                               'from', {old_shown}, 'to', {new_shown}))
                      FROM jsonb_each(to_jsonb({old_content})) AS o
                      JOIN jsonb_each(to_jsonb({new_content})) AS n USING (key)
                     WHERE o.value <> n.value AND {stated}
                       AND NOT ('null' IN (o.value, n.value) AND EXISTS (
                               SELECT FROM jsonb_array_elements_text('{elements}'::jsonb -> key) AS e
                                WHERE (p.o).attributes -> e.value = (p.n).attributes -> e.value)))
              END AS fields
       OFFSET 0) AS f
 CROSS JOIN LATERAL (
       SELECT CASE WHEN p.old IS NOT NULL AND p.new IS NOT NULL AND {whole}
                    AND (p.o).attributes IS DISTINCT FROM (p.n).attributes
              THEN (SELECT jsonb_object_agg(
                               key, jsonb_build_object('from', o.value, 'to', n.value))
                      FROM jsonb_each((p.o).attributes) AS o
                      FULL JOIN jsonb_each((p.n).attributes) AS n USING (key)
                     WHERE o.value IS DISTINCT FROM n.value
                       AND NOT (coalesce(f.fields ?| ARRAY(
                               SELECT jsonb_array_elements_text('{columns}'::jsonb -> key)), false)
                           AND NOT (p.n).attributes ?| ARRAY(
                               SELECT jsonb_array_elements_text('{preferred}'::jsonb -> key)))
                       AND NOT ({foreign} AND ({is_id}
                           OR {without_ids_old} IS NOT DISTINCT FROM {without_ids_new})))
              END AS attributes
       OFFSET 0) AS a
 WHERE p.new IS NULL OR p.old IS NULL OR f.fields IS NOT NULL OR a.attributes IS NOT NULL

-- name: pairs
-- Records with the same key match in the order of the file.
pairs AS (
    SELECT {pick_old} AS old, {pick_new} AS new,
           min(parent) FILTER (WHERE side = 0) AS old_parent,
           min(parent) FILTER (WHERE side = 1) AS new_parent,
           min(one) FILTER (WHERE side = 0) AS old_one, min(one) FILTER (WHERE side = 1) AS new_one,
           min(two) FILTER (WHERE side = 0) AS old_two, min(two) FILTER (WHERE side = 1) AS new_two
      FROM (SELECT *, row_number() OVER (PARTITION BY side, key ORDER BY ref) AS place
              FROM keyed) AS k
     GROUP BY key, place)

-- name: pairs_of_unique_keys
pairs AS (
    SELECT o.ref AS old, n.ref AS new, o.parent AS old_parent, n.parent AS new_parent,
           o.one AS old_one, n.one AS new_one, o.two AS old_two, n.two AS new_two
      FROM (SELECT * FROM keyed WHERE side = 0) AS o
      FULL JOIN (SELECT * FROM keyed WHERE side = 1) AS n ON n.key = o.key)

-- name: without_ids
-- A structured value without the ids in it. A quote inside a text is escaped, so only names of members
-- match.
CASE WHEN jsonb_typeof({value}) IN ('object', 'array')
     THEN regexp_replace({value}::text, '"\w*(ObjectId|\yUID)": "[^"\\]*"', '', 'g')
     ELSE {value}::text END

-- name: task_facts
-- What a planner reads about a changed task. The value is the weight by which the worst are chosen. A
-- version stored before the columns existed has actual dates in its attributes alone.
CASE WHEN f.fields IS NOT NULL AND p.new IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object(
     'constraints', CASE WHEN f.fields ?| '{{constraint_type,constraint_date,deadline}}' THEN 0 END,
     'task_calendars', CASE WHEN f.fields ? 'calendar_id' THEN 0 END)
     || CASE WHEN (p.n).summary THEN '{{}}' ELSE jsonb_build_object(
     'started', CASE WHEN f.fields #>> '{{actual_start,from}}' IS NULL
                      AND f.fields #>> '{{actual_start,to}}' IS NOT NULL
                      AND NOT (p.o).attributes ?| '{{{actual_start}}}' THEN 0 END,
     'finished', CASE WHEN f.fields #>> '{{actual_finish,from}}' IS NULL
                       AND f.fields #>> '{{actual_finish,to}}' IS NOT NULL
                       AND NOT (p.o).attributes ?| '{{{actual_finish}}}' THEN 0 END,
     'joined_critical', CASE WHEN f.fields @> '{{"critical": {{"from": false, "to": true}}}}' THEN 0 END,
     'left_critical', CASE WHEN f.fields @> '{{"critical": {{"from": true, "to": false}}}}' THEN 0 END,
     'float_lost', (
         SELECT hours FROM (SELECT round(extract(epoch FROM
                    (f.fields #>> '{{total_float,from}}')::interval
                    - (f.fields #>> '{{total_float,to}}')::interval) / 3600, 2) AS hours) AS h
          WHERE hours > 0),
     'durations', CASE WHEN f.fields ? 'duration' THEN round(abs(coalesce(
         extract(epoch FROM (p.n).duration - (p.o).duration), 0)) / 3600, 2) END,
     'costs', CASE WHEN f.fields ? 'cost'
         THEN round(abs(coalesce((p.n).cost, 0) - coalesce((p.o).cost, 0)), 2) END,
     'actuals', CASE WHEN f.fields #>> '{{actual_start,from}}' IS NOT NULL
                       OR f.fields #>> '{{actual_finish,from}}' IS NOT NULL THEN 0 END)
     || CASE WHEN f.fields ?| '{{start,finish}}' THEN (
         SELECT jsonb_build_object('slipped', CASE WHEN days > 0 THEN days END,
                    'pulled_in', CASE WHEN days < 0 THEN -days END,
                    'milestones', CASE WHEN days <> 0 AND (p.n).milestone THEN abs(days) END)
           FROM (SELECT round(extract(epoch FROM
                    coalesce((p.n).finish - (p.o).finish, (p.n).start - (p.o).start))
                    / 86400, 2) AS days) AS d) ELSE '{{}}' END END) END

-- name: task_name
-- A task of a link or an assignment, by its position.
SELECT jsonb_build_object('{prefix}_code', code, '{prefix}_name', name)
  FROM tasks
 WHERE client_id = $1 AND project_id = $2 AND version = {version} AND ordinal = {ref}

-- name: resource_name
-- The resource of an assignment, by its position.
SELECT jsonb_build_object('resource_name', name)
  FROM resources
 WHERE client_id = $1 AND project_id = $2 AND version = {version} AND ordinal = {ref}

-- name: row
SELECT r FROM {table} AS r
 WHERE client_id = $1 AND project_id = $2 AND version = {version} AND ordinal = {ref}

-- name: project_row
SELECT r FROM project_versions AS r
 WHERE client_id = $1 AND project_id = $2 AND version = {ref}

-- name: shared_row
SELECT r FROM shared_objects AS r WHERE client_id = $1 AND hash = {ref}
