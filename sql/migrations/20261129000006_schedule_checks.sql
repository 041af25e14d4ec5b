-- migrate:up

-- Checks of the current version of each project, in the manner of the 14-point assessment of the US
-- Defense Contract Management Agency: EVMS Program Analysis Pamphlet, DCMA-EA PAM 200.1, October 2012,
-- section 4. A check that fails is a reason to look closer. It refuses nothing.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

-- What passes a check where an operator wants another limit than the assessment. It has only the
-- checks that differ, so that a dump of the rows fits into a new database.
CREATE TABLE check_thresholds (
    check_name text    PRIMARY KEY CHECK (check_name IN (
        'open_ends', 'leads', 'lags', 'relationship_types', 'hard_constraints', 'high_float',
        'negative_float', 'high_duration', 'invalid_dates', 'missing_resources', 'missed_tasks',
        'bei')),
    threshold  numeric CHECK (threshold BETWEEN 0 AND 100),
    days       numeric CHECK (days >= 0),
    CHECK (days IS NULL OR check_name IN ('high_float', 'high_duration'))
);

-- The limits in force: percentages, and working days above which a task is a finding.
CREATE VIEW check_limits AS
SELECT d.check_name, coalesce(t.threshold, d.threshold) AS threshold, coalesce(t.days, d.days) AS days
  FROM (VALUES ('open_ends', 5, NULL),
               ('leads', 0, NULL),
               ('lags', 5, NULL),
               ('relationship_types', 90, NULL),
               ('hard_constraints', 5, NULL),
               ('high_float', 5, 44),
               ('negative_float', 0, NULL),
               ('high_duration', 5, 44),
               ('invalid_dates', 0, NULL),
               ('missing_resources', NULL, NULL), -- section 4.10 sets none
               ('missed_tasks', 5, NULL),
               ('critical_path_test', NULL, NULL),
               ('cpli', 95, NULL),
               ('bei', 95, NULL)) AS d (check_name, threshold, days)
  LEFT JOIN check_thresholds t USING (check_name);

-- Every task that the checks count, with what each check finds in it, or NULL. A row without task_id
-- has the facts of the project itself.
--
-- Section 4 counts neither summary tasks, levels of effort, milestones nor subprojects. Nor does this
-- view count tasks that the planning tool ignores (Active is 0).
--
-- The planner's statistics are late after a large import, and a nested loop over two lists of a large
-- project would take hours. PostgreSQL executes a FULL JOIN only by hashing or merging, unless a
-- condition on one of its sides reduces it to another join. So the joins are full, and the condition
-- on their result is on COALESCE. Conditions on client_id, project_id and version reach every table.
CREATE VIEW current_checked_tasks AS
WITH listed AS (
    SELECT p.client_id, p.project_id, p.version, t.ordinal, t.task_id, t.code, t.wbs, t.name,
           -- No two tasks without a code have the same key, so that no bucket of the join grows.
           coalesce(t.code, E'\n' || t.task_id) AS code_key,
           t.start, t.finish, t.actual_start, t.actual_finish, v.data_date,
           coalesce(t.calendar_id, v.calendar_id) AS calendar_id,
           t.actual_finish IS NOT NULL OR coalesce(t.percent_complete >= 100, false) AS complete,
           t.constraint_type, t.constraint_date,
           t.attributes ->> 'SecondaryConstraintType' AS second_constraint,
           extract(epoch FROM t.total_float) / 3600 AS float_hours,
           extract(epoch FROM t.duration) / 3600 AS duration_hours,
           -- DurationFormat of Microsoft Project: elapsed minutes, hours, days, weeks and months,
           -- exact and estimated. A day of them has 24 hours.
           coalesce(t.attributes ->> 'DurationFormat'
                    IN ('4', '6', '8', '10', '12', '36', '38', '40', '42', '44'), false) AS elapsed,
           coalesce(t.cost > 0, false) AS costs
      FROM projects p
      JOIN project_versions v USING (client_id, project_id, version)
      JOIN tasks t USING (client_id, project_id, version)
     WHERE t.kind = 'activity' AND NOT t.summary AND NOT t.milestone
       AND coalesce(t.attributes ->> 'Type', '') NOT IN ('Level of Effort', 'WBS Summary')
       AND coalesce(t.attributes ->> 'Active', '1') <> '0'
       AND coalesce(t.attributes ->> 'IsSubproject', '0') <> '1'
       AND coalesce(t.attributes ->> 'ExternalTask', '0') <> '1'),
ends AS (
    SELECT p.client_id, p.project_id, p.version, d.successor_id AS task_id, true AS led,
           d.ordinal, d.predecessor_id, d.type, extract(epoch FROM d.lag) / 3600 AS lag_hours
      FROM projects p
      JOIN dependencies d USING (client_id, project_id, version)
     UNION ALL
    SELECT p.client_id, p.project_id, p.version, d.predecessor_id, false,
           NULL AS ordinal, NULL AS predecessor_id, NULL AS type, NULL AS lag_hours
      FROM projects p
      JOIN dependencies d USING (client_id, project_id, version)
     UNION ALL
    -- A link to a task of another project is a part. The task's end is not open.
    SELECT p.client_id, p.project_id, p.version, e.task_id, e.led,
           NULL AS ordinal, NULL AS predecessor_id, NULL AS type, NULL AS lag_hours
      FROM projects p
      JOIN project_parts s USING (client_id, project_id, version)
     CROSS JOIN LATERAL (
           VALUES (s.attributes ->> 'SuccessorActivityObjectId', true),
                  (s.attributes ->> 'PredecessorActivityObjectId', false),
                  (s.attributes ->> 'TaskUID', true)) AS e (task_id, led)
     WHERE s.element IN ('Relationship', 'PredecessorLink') AND e.task_id IS NOT NULL),
linked AS (
    SELECT client_id, project_id, version, task_id,
           bool_or(led) AS has_predecessor,
           bool_or(NOT led) AS has_successor,
           count(type) AS links,
           count(*) FILTER (WHERE lag_hours < 0) AS leads,
           count(*) FILTER (WHERE lag_hours > 0) AS lags,
           count(*) FILTER (WHERE type <> 'FS') AS other_types,
           jsonb_agg(jsonb_build_object('ordinal', ordinal, 'predecessor_id', predecessor_id,
                                        'type', type, 'lag_hours', lag_hours))
               FILTER (WHERE type <> 'FS' OR lag_hours <> 0) AS odd_links
      FROM ends
     GROUP BY client_id, project_id, version, task_id),
assigned AS (
    SELECT p.client_id, p.project_id, p.version, a.task_id, true AS loaded
      FROM projects p
      JOIN assignments a USING (client_id, project_id, version)
     WHERE a.resource_id IS NOT NULL OR a.role_id IS NOT NULL
     GROUP BY p.client_id, p.project_id, p.version, a.task_id),
baselined AS NOT MATERIALIZED (
    SELECT p.client_id, p.project_id, p.version, t.code, t.task_id, t.finish AS baseline_finish,
           extract(epoch FROM t.duration) / 3600 AS baseline_hours
      FROM projects p
      JOIN baselines b USING (client_id, project_id, version)
      JOIN baseline_tasks t USING (client_id, project_id, version, number)
     WHERE b.current AND t.kind = 'activity'),
baselined_by_code AS (
    SELECT client_id, project_id, version, code AS code_key,
           max(baseline_finish) AS baseline_finish, max(baseline_hours) AS baseline_hours
      FROM baselined
     WHERE code IS NOT NULL
     GROUP BY client_id, project_id, version, code),
baselined_by_id AS (
    SELECT client_id, project_id, version, task_id,
           max(baseline_finish) AS baseline_finish, max(baseline_hours) AS baseline_hours
      FROM baselined
     WHERE code IS NULL
     GROUP BY client_id, project_id, version, task_id),
facts AS (
    -- The project itself, the hours of a day, and whether there is a current baseline. A day has the
    -- HoursPerDay of the calendar (Primavera), or the MinutesPerDay of the project (Microsoft Project).
    SELECT p.client_id, p.project_id, p.version, NULL AS task_id, true AS itself, v.source,
           v.data_date IS NOT NULL AS dated, false AS baselined, '' AS calendar,
           substring(v.attributes ->> 'MinutesPerDay' FROM '^[0-9]{1,4}$')::numeric / 60 AS hours
      FROM projects p
      JOIN project_versions v USING (client_id, project_id, version)
     UNION ALL
    SELECT p.client_id, p.project_id, p.version, NULL AS task_id, false AS itself,
           NULL AS source, NULL AS dated, true AS baselined, NULL AS calendar, NULL AS hours
      FROM projects p
      JOIN baselines b USING (client_id, project_id, version)
     WHERE b.current
     UNION ALL
    SELECT p.client_id, p.project_id, p.version, NULL AS task_id, false AS itself,
           NULL AS source, NULL AS dated, NULL AS baselined, s.object_id,
           substring(s.attributes ->> 'HoursPerDay' FROM '^[0-9]{1,2}(?:[.][0-9]{1,9})?$')::numeric
      FROM projects p
      JOIN project_versions v USING (client_id, project_id, version)
     CROSS JOIN LATERAL unnest(v.shared_objects) AS o (hash)
      JOIN shared_objects s ON s.client_id = v.client_id AND s.hash = o.hash
     WHERE s.element = 'Calendar'
     UNION ALL
    SELECT p.client_id, p.project_id, p.version, NULL AS task_id, false AS itself,
           NULL AS source, NULL AS dated, NULL AS baselined, s.attributes ->> 'ObjectId',
           substring(s.attributes ->> 'HoursPerDay' FROM '^[0-9]{1,2}(?:[.][0-9]{1,9})?$')::numeric
      FROM projects p
      JOIN project_parts s USING (client_id, project_id, version)
     WHERE s.element = 'Calendar'),
joined AS (
    SELECT client_id, project_id, version, task_id, t.ordinal, t.code, t.wbs, t.name, t.start,
           t.finish, t.actual_start, t.actual_finish, t.data_date, t.complete, NOT t.complete AS open,
           t.constraint_type, t.constraint_date, t.second_constraint, t.float_hours,
           t.duration_hours, t.elapsed, t.calendar_id, t.costs OR coalesce(a.loaded, false) AS loaded,
           coalesce(l.has_predecessor, false) AS has_predecessor,
           coalesce(l.has_successor, false) AS has_successor,
           l.links, l.leads, l.lags, l.other_types, l.odd_links,
           coalesce(c.baseline_finish, i.baseline_finish) AS baseline_finish,
           coalesce(c.baseline_hours, i.baseline_hours) AS baseline_hours,
           f.itself,
           max(f.source) OVER project AS source,
           bool_or(f.dated) OVER project AS dated,
           bool_or(f.baselined) OVER project AS baselined,
           bool_or(t.costs OR a.loaded) OVER project AS any_loaded,
           jsonb_object_agg(f.calendar, f.hours)
               FILTER (WHERE f.calendar IS NOT NULL AND f.hours > 0) OVER project AS hours
      FROM listed t
      FULL JOIN linked l USING (client_id, project_id, version, task_id)
      FULL JOIN assigned a USING (client_id, project_id, version, task_id)
      FULL JOIN baselined_by_id i USING (client_id, project_id, version, task_id)
      FULL JOIN baselined_by_code c USING (client_id, project_id, version, code_key)
      FULL JOIN facts f USING (client_id, project_id, version, task_id)
     WHERE coalesce(t.ordinal, CASE WHEN f.itself IS NULL THEN -1 ELSE 0 END) >= 0
    WINDOW project AS (PARTITION BY client_id, project_id, version)),
measured AS (
    SELECT j.*, d.day, float_hours / d.day AS float_days,
           duration_hours / CASE WHEN elapsed THEN 24 ELSE d.day END AS duration_days,
           -- Section 4.8 measures the baseline's duration.
           coalesce(baseline_hours, duration_hours) / CASE WHEN elapsed THEN 24 ELSE d.day END
               AS planned_days,
           baselined AND baseline_finish <= data_date AS due,
           ordinal IS NOT NULL AND baselined AND dated AND baseline_finish IS NULL AS unplanned,
           open AND any_loaded AND duration_hours >= d.day AS loadable
      FROM joined j
     CROSS JOIN LATERAL (
           SELECT coalesce((j.hours ->> j.calendar_id)::numeric, (j.hours ->> '')::numeric, 8))
               AS d (day)
     WHERE j.ordinal IS NOT NULL OR j.itself)
SELECT client_id, project_id, version, ordinal, task_id, code, wbs, name,
       itself, source, dated, baselined, any_loaded, day,
       complete, open, constraint_type, float_days, duration_days, planned_days, due, unplanned,
       loadable, links, leads, lags, other_types,
       CASE WHEN open THEN odd_links END AS odd_links,
       -- 4.1: every task but the first and the last has a predecessor and a successor.
       CASE WHEN open AND NOT (has_predecessor AND has_successor)
            THEN concat_ws(' and ', CASE WHEN NOT has_predecessor THEN 'predecessor' END,
                                    CASE WHEN NOT has_successor THEN 'successor' END)
       END AS open_ends,
       -- 4.5: constraints that keep logic from moving a task later. Start On and Finish On of Primavera
       -- do so too.
       CASE WHEN open
            THEN nullif(concat_ws(', ',
                     CASE WHEN constraint_type IN ('must_start_on', 'must_finish_on', 'start_on',
                              'finish_on', 'start_no_later_than', 'finish_no_later_than')
                          THEN concat_ws(' ', constraint_type,
                                         to_char(constraint_date, 'YYYY-MM-DD"T"HH24:MI:SS'))
                     END,
                     CASE WHEN second_constraint IN ('Start On or Before', 'Finish On or Before')
                          THEN second_constraint
                     END), '')
       END AS hard_constraints,
       -- Days are rounded away from the limit, so that no finding reads as if it were within.
       CASE WHEN open AND float_days
                 > (SELECT days FROM check_limits WHERE check_name = 'high_float')
            THEN trim_scale(ceil(float_days * 10) / 10) || ' days'
       END AS high_float,
       CASE WHEN open AND float_days < 0
            THEN trim_scale(floor(float_days * 10) / 10) || ' days'
       END AS negative_float,
       CASE WHEN open AND planned_days
                 > (SELECT days FROM check_limits WHERE check_name = 'high_duration')
            THEN trim_scale(ceil(planned_days * 10) / 10) || ' days'
       END AS high_duration,
       -- 4.9: actual dates after the data date, and forecasts before it.
       nullif(concat_ws(', ',
           CASE WHEN actual_start > data_date
                THEN to_char(actual_start, '"actual start "YYYY-MM-DD"T"HH24:MI:SS') END,
           CASE WHEN actual_finish > data_date
                THEN to_char(actual_finish, '"actual finish "YYYY-MM-DD"T"HH24:MI:SS') END,
           CASE WHEN open AND actual_start IS NULL AND start < data_date
                THEN to_char(start, '"start "YYYY-MM-DD"T"HH24:MI:SS') END,
           CASE WHEN open AND finish < data_date
                THEN to_char(finish, '"finish "YYYY-MM-DD"T"HH24:MI:SS') END), '') AS invalid_dates,
       -- 4.10: a task of at least a day has a resource or a cost.
       CASE WHEN loadable AND NOT loaded
            THEN trim_scale(round(duration_days, 1)) || ' days'
       END AS missing_resources,
       -- 4.11: days count, because tools report slips in days.
       CASE WHEN due AND (open OR coalesce(actual_finish, finish)::date > baseline_finish::date)
            THEN concat_ws(', ', to_char(baseline_finish, '"baseline "YYYY-MM-DD"T"HH24:MI:SS'),
                           CASE WHEN open THEN 'not finished'
                                ELSE to_char(coalesce(actual_finish, finish),
                                             '"finished "YYYY-MM-DD"T"HH24:MI:SS') END)
       END AS missed_tasks,
       -- 3.1.2.4: tasks that a baseline does not have count as due.
       CASE WHEN open AND (due OR unplanned)
            THEN coalesce(to_char(baseline_finish, '"baseline "YYYY-MM-DD"T"HH24:MI:SS'),
                          'not in the baseline')
       END AS bei
  FROM measured;

-- What the checks find, one row for each task or link. position orders the rows of a check.
CREATE VIEW current_check_findings AS
SELECT t.client_id, t.project_id, t.version, f.check_name,
       t.ordinal::bigint * 2147483648 + coalesce(f.link, 0) AS position,
       t.task_id, t.code, t.wbs, t.name, f.predecessor_id, f.value
  FROM current_checked_tasks t
 CROSS JOIN LATERAL (
       SELECT v.check_name, NULL::integer AS link, NULL::text AS predecessor_id, v.value
         FROM (VALUES ('open_ends', t.open_ends),
                      ('hard_constraints', t.hard_constraints),
                      ('high_float', t.high_float),
                      ('negative_float', t.negative_float),
                      ('high_duration', t.high_duration),
                      ('invalid_dates', t.invalid_dates),
                      ('missing_resources', t.missing_resources),
                      ('missed_tasks', t.missed_tasks),
                      ('bei', t.bei)) AS v (check_name, value)
        WHERE v.value IS NOT NULL
        UNION ALL
       SELECT v.check_name, o.ordinal, o.predecessor_id, v.value
         FROM jsonb_to_recordset(t.odd_links)
                  AS o (ordinal integer, predecessor_id text, type text, lag_hours numeric)
        CROSS JOIN LATERAL (
              VALUES ('leads', CASE WHEN o.lag_hours < 0
                                    THEN trim_scale(floor(o.lag_hours * 10 / t.day) / 10) || ' days' END),
                     ('lags', CASE WHEN o.lag_hours > 0
                                   THEN trim_scale(ceil(o.lag_hours * 10 / t.day) / 10) || ' days' END),
                     ('relationship_types', CASE WHEN o.type <> 'FS' THEN o.type END))
                  AS v (check_name, value)
        WHERE v.value IS NOT NULL) AS f;

-- The checks of each project: counts, percentage, threshold, and why a check is not computed. bei and
-- relationship_types count what is good, and pass from their threshold on; the others count findings,
-- and pass up to it.
CREATE VIEW current_checks AS
SELECT s.client_id, s.project_id, s.version, c.point, c.check_name,
       CASE WHEN c.lacks IS NULL THEN c.count END AS count,
       CASE WHEN c.lacks IS NULL THEN c.total END AS total,
       r.percentage, h.threshold,
       CASE WHEN c.at_least THEN r.percentage >= h.threshold ELSE r.percentage <= h.threshold END
           AS passed,
       CASE WHEN c.lacks IS NULL THEN c.findings ELSE 0 END AS findings,
       c.lacks AS not_computed
  FROM (SELECT client_id, project_id, version,
               bool_or(dated) AS dated, bool_or(baselined) AS baselined, max(source) AS source,
               bool_or(any_loaded) AS any_loaded, count(ordinal) AS tasks,
               count(*) FILTER (WHERE complete) AS complete,
               count(*) FILTER (WHERE open) AS open,
               coalesce(sum(links) FILTER (WHERE open), 0)::bigint AS links,
               coalesce(sum(leads) FILTER (WHERE open), 0)::bigint AS leads,
               coalesce(sum(lags) FILTER (WHERE open), 0)::bigint AS lags,
               coalesce(sum(other_types) FILTER (WHERE open), 0)::bigint AS other_types,
               count(constraint_type) AS constrained,
               count(float_days) FILTER (WHERE open) AS floating,
               count(planned_days) FILTER (WHERE open) AS lasting,
               count(*) FILTER (WHERE loadable) AS loadable,
               count(*) FILTER (WHERE due) AS due,
               count(*) FILTER (WHERE due OR unplanned) AS due_or_unplanned,
               count(open_ends) AS open_ends, count(hard_constraints) AS hard_constraints,
               count(high_float) AS high_float, count(negative_float) AS negative_float,
               count(high_duration) AS high_duration, count(invalid_dates) AS invalid_dates,
               count(missing_resources) AS missing_resources, count(missed_tasks) AS missed_tasks,
               count(bei) AS bei
          FROM current_checked_tasks
         GROUP BY client_id, project_id, version) AS s
 CROSS JOIN LATERAL (
       SELECT CASE WHEN s.open = 0 THEN 'no task is incomplete' END,
              CASE WHEN NOT s.dated THEN 'the project has no data date'
                   WHEN NOT s.baselined THEN 'the project has no current baseline' END)
           AS lacking (tasks, baseline)
 CROSS JOIN LATERAL (
       VALUES (1, 'open_ends', false, s.open_ends, s.open, s.open_ends, lacking.tasks),
              (2, 'leads', false, s.leads, s.links, s.leads,
               CASE WHEN s.links = 0 THEN 'no incomplete task has a predecessor' END),
              (3, 'lags', false, s.lags, s.links, s.lags,
               CASE WHEN s.links = 0 THEN 'no incomplete task has a predecessor' END),
              (4, 'relationship_types', true, s.links - s.other_types, s.links, s.other_types,
               CASE WHEN s.links = 0 THEN 'no incomplete task has a predecessor' END),
              (5, 'hard_constraints', false, s.hard_constraints, s.open, s.hard_constraints,
               -- Primavera leaves out the constraint of a task that has none.
               coalesce(lacking.tasks, CASE WHEN s.constrained = 0 AND s.source <> 'p6'
                                            THEN 'no task states its constraint' END)),
              (6, 'high_float', false, s.high_float, s.floating, s.high_float,
               CASE WHEN s.floating = 0 THEN 'no incomplete task has a total float' END),
              (7, 'negative_float', false, s.negative_float, s.floating, s.negative_float,
               CASE WHEN s.floating = 0 THEN 'no incomplete task has a total float' END),
              (8, 'high_duration', false, s.high_duration, s.lasting, s.high_duration,
               CASE WHEN s.lasting = 0 THEN 'no incomplete task has a duration' END),
              (9, 'invalid_dates', false, s.invalid_dates, s.tasks, s.invalid_dates,
               CASE WHEN NOT s.dated THEN 'the project has no data date'
                    WHEN s.tasks = 0 THEN 'there are no tasks' END),
              (10, 'missing_resources', false, s.missing_resources, s.loadable, s.missing_resources,
               CASE WHEN NOT coalesce(s.any_loaded, false) THEN 'no task has a resource or a cost'
                    WHEN s.loadable = 0 THEN 'no incomplete task takes a day' END),
              (11, 'missed_tasks', false, s.missed_tasks, s.due, s.missed_tasks,
               coalesce(lacking.baseline, CASE WHEN s.due = 0
                                               THEN 'no task was due by the data date' END)),
              (12, 'critical_path_test', false, 0, 0, 0,
               'the service has no scheduling engine'),
              (13, 'cpli', true, 0, 0, 0, 'the service has no scheduling engine'),
              (14, 'bei', true, s.complete, s.due_or_unplanned, s.bei,
               coalesce(lacking.baseline, CASE WHEN s.due_or_unplanned = 0
                                               THEN 'no task was due by the data date' END)))
           AS c (point, check_name, at_least, count, total, findings, lacks)
 CROSS JOIN LATERAL (
       SELECT CASE WHEN c.lacks IS NULL THEN round(100.0 * c.count / c.total, 2) END) AS r (percentage)
  LEFT JOIN LATERAL (
       SELECT threshold FROM check_limits WHERE check_name = c.check_name OFFSET 0) AS h ON true;

CREATE VIEW report.schedule_checks WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, c.point, c.check_name,
       c.count, c.total, c.percentage, c.threshold, c.passed, c.not_computed
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
 -- Project by project, so that only the projects that the reader may see are checked.
 CROSS JOIN LATERAL (
       SELECT *
         FROM public.current_checks
        WHERE client_id = p.client_id AND project_id = p.project_id AND version = p.version
       OFFSET 0) AS c
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

CREATE VIEW report.schedule_check_findings WITH (security_barrier) AS
SELECT p.client_id, p.project_id, p.external_id, v.name AS project_name, f.check_name, f.task_id,
       f.code AS task_code, f.wbs, f.name AS task_name, f.predecessor_id, f.value
  FROM public.projects p
  JOIN public.project_versions v USING (client_id, project_id, version)
 CROSS JOIN LATERAL (
       SELECT *
         FROM public.current_check_findings
        WHERE client_id = p.client_id AND project_id = p.project_id AND version = p.version
       OFFSET 0) AS f
 WHERE p.archived_at IS NULL AND p.client_id IN (SELECT client_id FROM report.clients);

COMMENT ON TABLE check_thresholds IS
    'Limits of schedule checks that differ from the assessment, set by an operator.';
COMMENT ON COLUMN check_thresholds.check_name IS 'Name of the check, such as `open_ends`.';
COMMENT ON COLUMN check_thresholds.threshold IS 'Percentage that passes; null keeps that of the assessment.';
COMMENT ON COLUMN check_thresholds.days IS
    'Working days above which a task is a finding; null keeps those of the assessment.';

COMMENT ON VIEW check_limits IS 'The limits of the schedule checks that are in force.';
COMMENT ON COLUMN check_limits.check_name IS 'Name of the check, such as `open_ends`.';
COMMENT ON COLUMN check_limits.threshold IS 'Percentage that passes; null if the check has none.';
COMMENT ON COLUMN check_limits.days IS 'Working days above which a task is a finding.';

COMMENT ON VIEW current_checked_tasks IS
    'The tasks that the schedule checks count, with what each check finds in them. A row for each project, without task_id, has its facts.';
COMMENT ON COLUMN current_checked_tasks.itself IS 'True in the row of the project itself.';
COMMENT ON COLUMN current_checked_tasks.dated IS 'Whether the project has a data date.';
COMMENT ON COLUMN current_checked_tasks.baselined IS 'Whether the project has a current baseline.';
COMMENT ON COLUMN current_checked_tasks.any_loaded IS 'Whether any counted task has a resource, a role or a cost.';
COMMENT ON COLUMN current_checked_tasks.day IS 'Hours of a working day of the task.';
COMMENT ON COLUMN current_checked_tasks.complete IS 'Whether the task has an actual finish or 100 percent.';
COMMENT ON COLUMN current_checked_tasks.open IS 'Whether the task is not complete.';
COMMENT ON COLUMN current_checked_tasks.float_days IS 'Total float in working days.';
COMMENT ON COLUMN current_checked_tasks.duration_days IS 'Duration in working days.';
COMMENT ON COLUMN current_checked_tasks.planned_days IS
    'Duration in the current baseline in working days; the duration if the baseline has none.';
COMMENT ON COLUMN current_checked_tasks.due IS 'Whether the current baseline finishes the task by the data date.';
COMMENT ON COLUMN current_checked_tasks.unplanned IS 'Whether the current baseline has no finish of the task.';
COMMENT ON COLUMN current_checked_tasks.loadable IS 'Whether `missing_resources` counts the task.';
COMMENT ON COLUMN current_checked_tasks.links IS 'Links to predecessors.';
COMMENT ON COLUMN current_checked_tasks.leads IS 'Links to predecessors with a negative lag.';
COMMENT ON COLUMN current_checked_tasks.lags IS 'Links to predecessors with a positive lag.';
COMMENT ON COLUMN current_checked_tasks.other_types IS 'Links to predecessors of a type other than `FS`.';
COMMENT ON COLUMN current_checked_tasks.odd_links IS 'The links to predecessors with a lag or another type than `FS`.';
COMMENT ON COLUMN current_checked_tasks.open_ends IS 'Which ends are open; null if none.';
COMMENT ON COLUMN current_checked_tasks.hard_constraints IS 'The hard constraints; null if none.';
COMMENT ON COLUMN current_checked_tasks.high_float IS 'The total float, if it is too high.';
COMMENT ON COLUMN current_checked_tasks.negative_float IS 'The total float, if it is negative.';
COMMENT ON COLUMN current_checked_tasks.high_duration IS 'The duration, if it is too long.';
COMMENT ON COLUMN current_checked_tasks.invalid_dates IS 'The invalid dates; null if none.';
COMMENT ON COLUMN current_checked_tasks.missing_resources IS 'The duration, if resources are missing.';
COMMENT ON COLUMN current_checked_tasks.missed_tasks IS 'The dates, if the task missed its baseline.';
COMMENT ON COLUMN current_checked_tasks.bei IS 'The baseline finish, if the task is not complete but counted as due.';

COMMENT ON VIEW current_check_findings IS
    'The tasks and links that the schedule checks of the current versions find.';
COMMENT ON COLUMN current_check_findings.check_name IS 'Name of the check, such as `open_ends`.';
COMMENT ON COLUMN current_check_findings.position IS 'Order of the findings of a check, as in the file.';
COMMENT ON COLUMN current_check_findings.predecessor_id IS '`task_id` of the task at the other end of a link.';
COMMENT ON COLUMN current_check_findings.value IS 'What the check found, such as `60 days` or `SS`.';

COMMENT ON VIEW current_checks IS 'The schedule checks of the current version of each project.';
COMMENT ON COLUMN current_checks.point IS 'Number of the check in the assessment of the DCMA.';
COMMENT ON COLUMN current_checks.check_name IS 'Name of the check, such as `open_ends`.';
COMMENT ON COLUMN current_checks.count IS
    'Findings; of `relationship_types` the `FS` links, and of `bei` the complete tasks.';
COMMENT ON COLUMN current_checks.total IS 'Tasks or links that the check looked at.';
COMMENT ON COLUMN current_checks.percentage IS '`count` in percent of `total`.';
COMMENT ON COLUMN current_checks.threshold IS 'Percentage that passes; null if the check has none.';
COMMENT ON COLUMN current_checks.passed IS 'Null if the check was not computed or has no threshold.';
COMMENT ON COLUMN current_checks.findings IS 'Number of tasks or links that the check found.';
COMMENT ON COLUMN current_checks.not_computed IS 'Which data the project lacks for the check; null if it has all.';

COMMENT ON VIEW report.schedule_checks IS 'The schedule checks of each active project.';
COMMENT ON VIEW report.schedule_check_findings IS 'The tasks and links that the schedule checks find.';

-- migrate:down

DROP VIEW report.schedule_check_findings, report.schedule_checks;
DROP VIEW current_checks, current_check_findings, current_checked_tasks, check_limits;
DROP TABLE check_thresholds;
