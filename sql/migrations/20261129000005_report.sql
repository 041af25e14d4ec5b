-- migrate:up

-- The schema for reports: read-only views with stable columns, for roles that are limited to clients.
-- The service itself does not use it.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

CREATE SCHEMA report;

-- Which roles may see which clients: `bulk-import migrate --grant-reader`. regrole is the number of a
-- role, so a role that is dropped and created again has no clients. No view names the table directly,
-- and no reader may read it.
CREATE TABLE report.readers (
    client_id  bigint      NOT NULL,
    role       regrole     NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, role)
);

-- The clients that the current role may see. Each view of the schema selects
-- `WHERE client_id IN (SELECT client_id FROM report.clients)`. The views run with the rights of their
-- owner, but current_user remains the reader, also after SET ROLE. A role inherits the clients of
-- the roles whose privileges it has. The owner of the tables and superusers see all clients.
--
-- security_barrier: without it, a function in a reader's condition could be called with rows of other
-- clients before they are filtered. Comparisons of ids and dates are leak-proof and use indexes
-- nevertheless.
CREATE VIEW report.clients WITH (security_barrier) AS
SELECT c.client_id, c.name, c.created_at, c.disabled_at
  FROM public.clients c
 WHERE EXISTS (SELECT FROM report.readers r
                WHERE r.client_id = c.client_id AND pg_has_role(r.role, 'USAGE'))
    OR (SELECT pg_has_role(o.relowner, 'USAGE') FROM pg_class o
         WHERE o.oid = 'report.readers'::regclass);

-- An interval as hours, for tools without intervals. A day of an interval is 24 hours; formats write
-- durations as hours of working time.
CREATE FUNCTION report.hours(value interval) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN round(extract(epoch FROM value) / 3600, 4);

-- The calendar days from one time to another.
CREATE FUNCTION report.days(earlier timestamp, later timestamp) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN round(extract(epoch FROM later - earlier) / 86400, 2);

CREATE VIEW report.projects WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, v.code AS project_code,
       v.status, v.description, v.manager, v.currency, v.source, v.start, v.finish, v.data_date,
       v.must_finish, v.priority, v.calendar_id, v.baseline_of, p.version,
       v.created_at AS imported_at, v.created_by AS imported_by, v.import_id, v.attributes
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

-- All versions that are stored: how the dates of a project moved.
CREATE VIEW report.project_versions WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, v.version,
       v.version = p.version AS is_current, v.created_at AS imported_at,
       v.created_by AS imported_by, v.import_id, v.status, v.start, v.finish, v.data_date
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id)
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

CREATE VIEW report.tasks WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, t.kind, t.task_id,
       t.code AS task_code, t.name AS task_name, t.wbs, t.guid, t.parent_id AS parent_task_id,
       t.summary AS is_summary, t.milestone AS is_milestone, t.critical AS is_critical, t.status,
       t.start, t.finish, t.actual_start, t.actual_finish, t.early_start, t.early_finish,
       t.late_start, t.late_finish, t.percent_complete, t.physical_percent_complete,
       t.duration, report.hours(t.duration) AS duration_hours,
       t.actual_duration, report.hours(t.actual_duration) AS actual_duration_hours,
       t.remaining_duration, report.hours(t.remaining_duration) AS remaining_duration_hours,
       t.total_float, report.hours(t.total_float) AS total_float_hours,
       t.free_float, report.hours(t.free_float) AS free_float_hours,
       t.work, report.hours(t.work) AS work_hours,
       t.actual_work, report.hours(t.actual_work) AS actual_work_hours,
       t.remaining_work, report.hours(t.remaining_work) AS remaining_work_hours,
       t.cost, t.actual_cost, t.remaining_cost, t.constraint_type, t.constraint_date, t.deadline,
       t.priority, t.calendar_id, t.notes, t.ordinal, t.attributes
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
  JOIN public.tasks t USING (client_id, project_id, version)
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

-- The tasks of all versions that are stored, with what moves: compare the current version with an
-- earlier one.
CREATE VIEW report.task_versions WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, v.version,
       v.version = p.version AS is_current, v.created_at AS imported_at, t.kind, t.task_id,
       t.code AS task_code, t.guid, t.name AS task_name, t.wbs, t.summary AS is_summary,
       t.milestone AS is_milestone, t.critical AS is_critical, t.start, t.finish, t.actual_start,
       t.actual_finish, t.percent_complete, report.hours(t.duration) AS duration_hours,
       report.hours(t.total_float) AS total_float_hours, t.cost
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id)
  JOIN public.tasks t
    ON (t.client_id, t.project_id, t.version) = (p.client_id, p.project_id, v.version)
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

-- The way from the root to each task. A condition on the project limits the recursion, because it runs
-- for each project. A parent is a WBS element if there is one of that id, else an activity. Whatever
-- hangs on a loop of parents has no way from a root and is left out; a level above 100 is too.
CREATE VIEW report.wbs_path WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, w.kind, w.task_id,
       w.task_code, w.task_name, w.wbs, w.is_summary, w.level, w.code_path, w.name_path
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
 CROSS JOIN LATERAL (
    WITH RECURSIVE nodes AS MATERIALIZED (
        SELECT t.kind, t.task_id, t.parent_id, t.code AS task_code, t.name AS task_name, t.wbs,
               t.summary AS is_summary,
               coalesce(t.code, t.wbs, t.task_id) AS label, coalesce(t.name, '') AS name
          FROM public.tasks t
         WHERE t.client_id = p.client_id AND t.project_id = p.project_id AND t.version = p.version
    ), links AS MATERIALIZED (
        SELECT n.*, CASE WHEN n.parent_id IN (SELECT task_id FROM nodes WHERE kind = 'wbs')
                         THEN 'wbs' ELSE 'activity' END AS parent_kind
          FROM nodes n
    ), paths AS (
        SELECT l.kind, l.task_id, l.task_code, l.task_name, l.wbs, l.is_summary, 1 AS level,
               l.label AS code_path, l.name AS name_path
          FROM links l
         WHERE l.parent_id IS NULL
        UNION ALL
        SELECT l.kind, l.task_id, l.task_code, l.task_name, l.wbs, l.is_summary, above.level + 1,
               above.code_path || ' / ' || l.label, above.name_path || ' / ' || l.name
          FROM paths above
          JOIN links l ON l.parent_id = above.task_id AND l.parent_kind = above.kind
         WHERE above.level < 100
    )
    SELECT * FROM paths) AS w
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

-- The links between tasks, with the names of both. An end is an activity if there is one of that id,
-- else a WBS element. The names are looked up project by project, so that a condition on the project
-- limits what is read. External are links to a task of another project, which is NULL while no stored
-- plan fits; Microsoft Project may keep a stand-in for that task, and then both links are here.
--
-- UNION ALL is below the filter and never at the top of a view: PostgreSQL merges such a view into the
-- reader's query in spite of its security_barrier.
CREATE VIEW report.dependencies WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, l.type, l.lag,
       report.hours(l.lag) AS lag_hours, l.predecessor_project,
       CASE WHEN l.predecessor_project = p.project_id
            THEN p.external_id ELSE l.predecessor_external_id END AS predecessor_external_id,
       l.predecessor_id, l.predecessor_code, l.predecessor_name, l.successor_project,
       CASE WHEN l.successor_project = p.project_id
            THEN p.external_id ELSE l.successor_external_id END AS successor_external_id,
       l.successor_id, l.successor_code, l.successor_name, l.is_external
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
 CROSS JOIN LATERAL (
    WITH ends AS MATERIALIZED (
        SELECT DISTINCT ON (t.task_id) t.task_id, t.code, t.name
          FROM public.tasks t
         WHERE t.client_id = p.client_id AND t.project_id = p.project_id AND t.version = p.version
         ORDER BY t.task_id, t.kind
    ), external AS MATERIALIZED (
        SELECT *
          FROM public.current_external_dependencies x
         WHERE x.client_id = p.client_id AND x.project_id = p.project_id AND x.version = p.version
    )
    SELECT d.type, d.lag, p.project_id AS predecessor_project,
           NULL::text AS predecessor_external_id, d.predecessor_id, a.code AS predecessor_code,
           a.name AS predecessor_name, p.project_id AS successor_project,
           NULL::text AS successor_external_id, d.successor_id, z.code AS successor_code,
           z.name AS successor_name, false AS is_external
      FROM public.dependencies d
      LEFT JOIN ends a ON a.task_id = d.predecessor_id
      LEFT JOIN ends z ON z.task_id = d.successor_id
     WHERE d.client_id = p.client_id AND d.project_id = p.project_id AND d.version = p.version
     UNION ALL
    SELECT x.type, x.lag, x.predecessor_project, x.predecessor_external_id, x.predecessor_id,
           a.code, a.name, x.successor_project, x.successor_external_id, x.successor_id, z.code,
           z.name, true
      FROM external x
      LEFT JOIN LATERAL (
        SELECT t.code, t.name
          FROM public.current_tasks t
         WHERE t.client_id = x.client_id AND t.project_id = x.predecessor_project
           AND t.task_id = x.predecessor_id
         ORDER BY t.kind
         LIMIT 1) AS a ON true
      LEFT JOIN LATERAL (
        SELECT t.code, t.name
          FROM public.current_tasks t
         WHERE t.client_id = x.client_id AND t.project_id = x.successor_project
           AND t.task_id = x.successor_id
         ORDER BY t.kind
         LIMIT 1) AS z ON true
  ) AS l
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

CREATE VIEW report.resources WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, r.resource_id,
       r.code AS resource_code, r.name AS resource_name, r.type, r.email, r.max_units,
       r.standard_rate, r.calendar_id, r.ordinal, r.attributes
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
  JOIN public.resources r USING (client_id, project_id, version)
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

CREATE VIEW report.assignments WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, a.task_id, a.task_code,
       a.task_name, a.resource_id, a.resource_name, a.resource_type, a.role_id, a.units,
       a.start, a.finish, a.work, report.hours(a.work) AS work_hours,
       a.actual_work, report.hours(a.actual_work) AS actual_work_hours,
       a.remaining_work, report.hours(a.remaining_work) AS remaining_work_hours,
       a.cost, a.actual_cost, a.ordinal, a.attributes
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
 CROSS JOIN LATERAL (
    WITH named AS MATERIALIZED (
        SELECT DISTINCT ON (t.task_id) t.task_id, t.code, t.name
          FROM public.tasks t
         WHERE t.client_id = p.client_id AND t.project_id = p.project_id AND t.version = p.version
         ORDER BY t.task_id, t.kind
    )
    SELECT a.*, n.code AS task_code, n.name AS task_name, r.name AS resource_name,
           r.type AS resource_type
      FROM public.assignments a
      LEFT JOIN named n ON n.task_id = a.task_id
      LEFT JOIN public.resources r
        ON r.client_id = p.client_id AND r.project_id = p.project_id
       AND r.version = p.version
       AND r.resource_id = a.resource_id
     WHERE a.client_id = p.client_id AND a.project_id = p.project_id AND a.version = p.version
  ) AS a
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

CREATE VIEW report.baselines WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name,
       b.number AS baseline_number, b.name AS baseline_name, b.type, b.current AS is_current,
       b.attributes
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
  JOIN public.baselines b USING (client_id, project_id, version)
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

CREATE VIEW report.baseline_tasks WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name,
       b.number AS baseline_number, b.kind, b.task_id, b.code AS task_code, b.name AS task_name,
       b.start, b.finish, b.duration, report.hours(b.duration) AS duration_hours,
       b.work, report.hours(b.work) AS work_hours, b.cost, b.ordinal, b.attributes
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
  JOIN public.baseline_tasks b USING (client_id, project_id, version)
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

-- Each task of a project with a current baseline, next to what the baseline has for it. Variance is the
-- plan minus the baseline, so that positive days are late and positive hours or costs are above it. A
-- baseline's task is the one with the same code, or the same id if it has no code: the baselines of P6
-- have other ids. A task that is newer than the baseline has NULLs.
CREATE VIEW report.task_variance WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name,
       b.number AS baseline_number, b.name AS baseline_name, t.kind, t.task_id,
       t.code AS task_code, t.name AS task_name, t.wbs, t.summary AS is_summary,
       t.milestone AS is_milestone, t.critical AS is_critical, t.percent_complete,
       f.ordinal IS NOT NULL AS in_baseline,
       t.start, f.start AS baseline_start, report.days(f.start, t.start) AS start_variance_days,
       t.finish, f.finish AS baseline_finish,
       report.days(f.finish, t.finish) AS finish_variance_days,
       report.hours(t.duration) AS duration_hours,
       report.hours(f.duration) AS baseline_duration_hours,
       report.hours(t.duration) - report.hours(f.duration) AS duration_variance_hours,
       report.hours(t.work) AS work_hours, report.hours(f.work) AS baseline_work_hours,
       report.hours(t.work) - report.hours(f.work) AS work_variance_hours,
       t.cost, f.cost AS baseline_cost, t.cost - f.cost AS cost_variance
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
  JOIN public.baselines b USING (client_id, project_id, version)
  JOIN public.tasks t USING (client_id, project_id, version)
  LEFT JOIN public.baseline_tasks c
    ON c.client_id = p.client_id AND c.project_id = p.project_id
   AND c.version = p.version
   AND c.number = b.number AND c.kind = t.kind AND c.code = t.code
  LEFT JOIN public.baseline_tasks i
    ON i.client_id = p.client_id AND i.project_id = p.project_id
   AND i.version = p.version
   AND i.number = b.number AND i.kind = t.kind AND i.code IS NULL AND i.task_id = t.task_id
   AND c.ordinal IS NULL
 CROSS JOIN LATERAL (
    SELECT coalesce(c.ordinal, i.ordinal) AS ordinal,
           CASE WHEN c.ordinal IS NULL THEN i.start ELSE c.start END AS start,
           CASE WHEN c.ordinal IS NULL THEN i.finish ELSE c.finish END AS finish,
           CASE WHEN c.ordinal IS NULL THEN i.duration ELSE c.duration END AS duration,
           CASE WHEN c.ordinal IS NULL THEN i.work ELSE c.work END AS work,
           CASE WHEN c.ordinal IS NULL THEN i.cost ELSE c.cost END AS cost) AS f
 WHERE b.current
   AND p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

-- The days of work, Monday to Friday, from one date to another, both included. 1 January of year 1 of
-- PostgreSQL's calendar is a Monday, so whole weeks are counted from there.
CREATE FUNCTION report.weekdays(first date, last date) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(0,
    5 * ((last + 1 - date '0001-01-01') / 7) + least((last + 1 - date '0001-01-01') % 7, 5)
    - 5 * ((first - date '0001-01-01') / 7) - least((first - date '0001-01-01') % 7, 5));

-- The work of each resource by week. If Microsoft Project's time-phased data of an assignment, done and
-- remaining, adds up to its work to a minute, that decides. Otherwise a rule does, because the file has
-- only the work and its dates: evenly over Monday to Friday from the start to the finish, or over all
-- days if none of them is a weekday. An assignment without dates has those of its task. Left out are
-- materials and costs, work without a resource, and work without both dates, with a finish before its
-- start, or of a century or more: one row with bad dates would take half a million weeks.
CREATE VIEW report.resource_load WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, w.resource_id,
       w.resource_name, w.resource_type, w.max_units, w.week_start,
       to_char(w.week_start, 'IYYY-"W"IW') AS iso_week, w.work_hours, w.is_timephased
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
 CROSS JOIN LATERAL (
    WITH dated AS MATERIALIZED (
        SELECT DISTINCT ON (t.task_id) t.task_id, t.start, t.finish
          FROM public.tasks t
         WHERE t.client_id = p.client_id AND t.project_id = p.project_id AND t.version = p.version
         ORDER BY t.task_id, t.kind
    ), spans AS (
        SELECT r.resource_id, r.name, r.type, r.max_units, h.hours IS NOT NULL AS is_timephased,
               coalesce(h.hours, report.hours(a.work)) AS hours,
               coalesce(h.first, coalesce(a.start, t.start)::date) AS first,
               coalesce(h.last, coalesce(a.finish, t.finish)::date) AS last
          FROM public.assignments a
          JOIN public.resources r
            ON r.client_id = p.client_id AND r.project_id = p.project_id AND r.version = p.version
           AND r.resource_id = a.resource_id
           AND r.type IS DISTINCT FROM 'material' AND r.type IS DISTINCT FROM 'cost'
          LEFT JOIN dated t ON t.task_id = a.task_id
          LEFT JOIN LATERAL (
            SELECT d.hours, d.start::date AS first,
                   d.start::date - 1
                   + greatest(1, ceil(report.hours(d.finish - d.start) / 24)::integer) AS last,
                   sum(d.hours) OVER () AS total
              FROM jsonb_path_query(
                       a.attributes,
                       '$.TimephasedData[*] ? (@.type() == "object" && (@.Type == "1" || @.Type == "2"))'
                   ) AS list (item)
             CROSS JOIN LATERAL (
                SELECT report.hours(public.plan_interval(public.plan_text(list.item, 'Value'))) AS hours,
                       public.plan_timestamp(public.plan_text(list.item, 'Start')) AS start,
                       public.plan_timestamp(public.plan_text(list.item, 'Finish')) AS finish
              ) AS d
             WHERE d.hours > 0 AND d.start <= d.finish
          ) AS h ON abs(h.total - report.hours(a.work)) < 0.02
         WHERE a.client_id = p.client_id AND a.project_id = p.project_id AND a.version = p.version
           AND a.work > interval '0'
    ), measured AS (
        SELECT s.*, report.weekdays(first, last) AS weekdays, last - first + 1 AS days
          FROM spans s
         WHERE first <= last AND last - first < 36525
    )
    SELECT m.resource_id, m.name AS resource_name, m.type AS resource_type, m.max_units,
           week::date AS week_start, bool_and(m.is_timephased) AS is_timephased,
           round(sum(m.hours * CASE
                     WHEN m.weekdays > 0
                     THEN report.weekdays(greatest(week::date, first),
                                          least(week::date + 6, last))::numeric / m.weekdays
                     ELSE (least(week::date + 6, last) - greatest(week::date, first) + 1)::numeric
                          / m.days
                 END), 2) AS work_hours
      FROM measured m
     CROSS JOIN generate_series(date_trunc('week', first::timestamp), last::timestamp,
                                interval '1 week') AS week
     GROUP BY m.resource_id, m.name, m.type, m.max_units, week
  ) AS w
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

-- The next views read JSON. OFFSET 0 makes the planner read project by project, so that a condition on
-- the project limits the work, and a query for all does not join the objects of a whole client.

CREATE VIEW report.task_codes WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, c.kind, c.task_id,
       t.code AS task_code, t.name AS task_name, c.type AS code_type, c.value AS code_value,
       c.description, c.type_id AS code_type_id, c.value_id AS code_value_id
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
 CROSS JOIN LATERAL (
    SELECT *
      FROM public.current_task_codes x
     WHERE x.client_id = p.client_id AND x.project_id = p.project_id AND x.version = p.version
    OFFSET 0) AS c
  LEFT JOIN public.tasks t
    ON t.client_id = p.client_id AND t.project_id = p.project_id AND t.version = p.version
   AND t.kind = c.kind AND t.task_id = c.task_id
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

-- A value is in value as text, and in the column of its type.
CREATE VIEW report.custom_fields WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, c.record, c.kind,
       c.record_id, c.task_id, c.resource_id, c.field_id, c.title, c.type, c.value, c.value_number,
       c.value_date, c.value_boolean, c.value_duration,
       report.hours(c.value_duration) AS value_duration_hours
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
 CROSS JOIN LATERAL (
    SELECT *
      FROM public.current_custom_fields x
     WHERE x.client_id = p.client_id AND x.project_id = p.project_id AND x.version = p.version
    OFFSET 0) AS c
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

CREATE VIEW report.calendars WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, c.calendar_id,
       c.name AS calendar_name, c.type, c.base_calendar_id, c.is_default
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
 CROSS JOIN LATERAL (
    SELECT *
      FROM public.current_calendars x
     WHERE x.client_id = p.client_id AND x.project_id = p.project_id AND x.version = p.version
    OFFSET 0) AS c
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

CREATE VIEW report.calendar_exceptions WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, c.calendar_id,
       c.calendar AS calendar_name, c.exception, c.name AS exception_name, c.from_date, c.to_date,
       c.working AS is_working, c.shift, c.from_time, c.to_time,
       report.hours(c.duration) AS duration_hours
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
 CROSS JOIN LATERAL (
    SELECT *
      FROM public.current_calendar_exceptions x
     WHERE x.client_id = p.client_id AND x.project_id = p.project_id AND x.version = p.version
    OFFSET 0) AS c
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

CREATE VIEW report.notes WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, n.record, n.kind,
       n.record_id, n.topic, n.text, n.note
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
 CROSS JOIN LATERAL (
    SELECT *
      FROM public.current_notes x
     WHERE x.client_id = p.client_id AND x.project_id = p.project_id AND x.version = p.version
    OFFSET 0) AS n
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

-- Who imported what. Idempotency keys, fingerprints and traces of requests stay hidden.
CREATE VIEW report.imports WITH (security_barrier) AS
SELECT i.client_id, i.import_id, i.state, i.subject AS imported_by, i.notes, i.filename,
       i.dialect AS format, i.started_at, i.ended_at,
       round(extract(epoch FROM i.ended_at - i.started_at), 1) AS duration_seconds, i.bytes_read,
       (i.counts->>'created')::bigint AS created, (i.counts->>'updated')::bigint AS updated,
       (i.counts->>'unchanged')::bigint AS unchanged, (i.counts->>'failed')::bigint AS failed,
       coalesce((i.options->>'dry_run')::boolean, false) AS is_dry_run,
       (i.options->>'undo')::bigint AS undo_of, i.attempt, i.cause
  FROM public.imports i
 WHERE i.client_id IN (SELECT client_id FROM report.clients);

-- What became of each project of an import, in its last attempt.
CREATE VIEW report.import_results WITH (security_barrier) AS
SELECT i.client_id, o.project_id, o.external_id, o.name AS project_name, i.import_id,
       i.subject AS imported_by, i.started_at, i.filename, o.index, o.outcome, o.version, o.tasks,
       o.error, o.message, o.line, coalesce((o.warnings->>'count')::bigint, 0) AS warnings
  FROM public.imports i
  JOIN public.import_results o USING (client_id, import_id, attempt)
 WHERE i.client_id IN (SELECT client_id FROM report.clients);

COMMENT ON VIEW report.task_codes IS 'The codes of each task: activity codes of P6, outline codes of Microsoft Project.';
COMMENT ON COLUMN report.task_codes.kind IS '`activity`, or `wbs` for an element of the work breakdown structure.';
COMMENT ON COLUMN report.task_codes.code_type IS 'Name of the type of code, such as `Area`; null if the file does not define it.';
COMMENT ON COLUMN report.task_codes.code_value IS 'Value of the code; null if the file does not define it.';
COMMENT ON COLUMN report.task_codes.code_type_id IS 'Identifier of the type of code in its file.';
COMMENT ON COLUMN report.task_codes.code_value_id IS 'Identifier of the value in its file.';
COMMENT ON VIEW report.custom_fields IS 'The values of custom fields: UDFs of P6, extended attributes of Microsoft Project.';
COMMENT ON COLUMN report.custom_fields.value_duration_hours IS 'Value of a duration, in hours.';
COMMENT ON VIEW report.calendars IS 'The calendars that each project uses.';
COMMENT ON VIEW report.calendar_exceptions IS 'The days on which a calendar differs from its week: one row for each shift, or one without a shift.';
COMMENT ON COLUMN report.calendar_exceptions.exception_name IS 'Name of the exception.';
COMMENT ON COLUMN report.calendar_exceptions.is_working IS 'Whether its days are working days.';
COMMENT ON VIEW report.notes IS 'The notes on projects, tasks, resources and assignments.';
COMMENT ON COLUMN report.dependencies.type IS 'Which ends the dependency links: `FS` is finish to start.';
COMMENT ON COLUMN report.resource_load.is_timephased IS 'Whether all of the work comes from time-phased data, and none is spread by rule.';

-- migrate:down

DROP SCHEMA report CASCADE;
