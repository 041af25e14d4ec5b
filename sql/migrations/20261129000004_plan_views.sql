-- migrate:up

-- Views over what stays JSON: calendars, codes, custom fields, notes, time-phased data, and links
-- between projects. They show the current version of each project. A bad value gives null or no row,
-- never an error. So a path is lax, and each cast checks its text first.
--
-- A query for one project reads that project alone. The functions have the prefix plan_. Views bind
-- them by their number, so a reader's search_path does not matter.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- The text of a member; of several, the first.
CREATE FUNCTION plan_text(object jsonb, member text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(object -> member)
    WHEN 'array' THEN CASE jsonb_typeof(object -> member -> 0) WHEN 'string' THEN object -> member ->> 0 END
    WHEN 'object' THEN NULL
    ELSE object ->> member
END;

-- Whether a text is true: '1' or 'true'. Null for other texts than the four of XML Schema.
CREATE FUNCTION plan_boolean(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN btrim(value) IN ('1', 'true') THEN true
    WHEN btrim(value) IN ('0', 'false') THEN false
END;

CREATE FUNCTION plan_integer(value text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN btrim(value) ~ '^[+-]?[0-9]{1,9}$' THEN btrim(value)::integer END;

CREATE FUNCTION plan_number(value text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN btrim(value) ~ '^[+-]?([0-9]{1,15}([.][0-9]{0,12})?|[.][0-9]{1,12})([eE][+-]?[0-9]{1,2})?$'
    THEN btrim(value)::numeric
END;

-- A date and time of day without an offset. PostgreSQL alone would accept 'now', and drop an offset.
CREATE FUNCTION plan_timestamp(value text) RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN btrim(value) ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?)?$'
     AND pg_input_is_valid(btrim(value), 'timestamp')
    THEN btrim(value)::timestamp
END;

CREATE FUNCTION plan_time(value text) RETURNS time
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN btrim(value) ~ '^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?$'
    THEN btrim(value)::time
END;

-- A duration such as PT8H0M0S, or -PT8H. PostgreSQL has no sign before the P.
CREATE FUNCTION plan_interval(value text) RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN btrim(value) !~ '^-?P(?=.)([0-9]{1,8}Y)?([0-9]{1,8}M)?([0-9]{1,8}D)?(T(?=.)([0-9]{1,8}H)?([0-9]{1,8}M)?([0-9]{1,8}([.][0-9]{1,6})?S)?)?$'
      OR NOT pg_input_is_valid(ltrim(btrim(value), '-'), 'interval')
    THEN NULL
    WHEN btrim(value) LIKE '-%' THEN -(ltrim(btrim(value), '-')::interval)
    ELSE btrim(value)::interval
END;

-- A number of hours.
CREATE FUNCTION plan_hours(value text) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN btrim(value) ~ '^[+-]?([0-9]{1,9}([.][0-9]{0,12})?|[.][0-9]{1,12})$'
    THEN interval '1 hour' * btrim(value)::double precision
END;

-- HTML as plain text: without tags, and with the entities that planning tools write as characters.
CREATE FUNCTION plan_plain_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN value !~* '<(html|body|p|br|div|span|b|i|u|font|ul|ol|li|table|a)[^a-z]' THEN value
    ELSE nullif(btrim(
        replace(replace(replace(replace(replace(replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(value, '<(style|script|head)[^a-z].*?</\1>', '', 'gi'),
                    '<(br|/p|/div|/li|/tr)[^>]*>', E'\n', 'gi'),
                '<[^>]*>', '', 'g'),
            '&nbsp;', ' '), '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&#39;', ''''), '&amp;', '&'),
        E' \t\r\n'), '')
END;

-- The shifts of a day, from Project (WorkingTimes) or P6 (WorkTime). P6 writes the last minute that is
-- worked, such as 16:59; the end is the minute after it.
CREATE FUNCTION plan_shifts(day jsonb, OUT shift integer, OUT from_time time, OUT to_time time)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
    SELECT row_number() OVER (ORDER BY each.number)::integer, each.from_time, each.to_time
      FROM (
        SELECT times.number, plan_time(plan_text(times.item, 'FromTime')) AS from_time,
               plan_time(plan_text(times.item, 'ToTime')) AS to_time
          FROM jsonb_path_query(day, '$.WorkingTimes[*].WorkingTime[*] ? (@.type() == "object")')
               WITH ORDINALITY AS times (item, number)
         UNION ALL
        SELECT times.number, plan_time(plan_text(times.item, 'Start')),
               last.minute + CASE
                   WHEN extract(minute FROM last.minute)::integer % 5 = 4 THEN interval '1 minute'
                   ELSE interval '0'
               END
          FROM jsonb_path_query(day, '$.WorkTime[*] ? (@.type() == "object")')
               WITH ORDINALITY AS times (item, number)
         CROSS JOIN LATERAL (SELECT plan_time(plan_text(times.item, 'Finish')) AS minute) AS last
      ) AS each
     WHERE each.from_time IS NOT NULL AND each.to_time IS NOT NULL;
END;

-- The dates of an exception in a calendar of Project, each as a range of days. The vendor's schema
-- defines the rule: Type 2 and 3 is yearly, 4 and 5 monthly, 6 weekly, 7 each so many days; 2 and 4 name
-- a day of the month, 3 and 5 a position. Weeks begin on Sunday, whatever WeekStartDay is. Other types
-- have one range. Project allows 999 occurrences, which also bounds the work for a bad rule.
CREATE FUNCTION plan_occurrences(exception jsonb, OUT from_date date, OUT to_date date)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    WITH rule AS MATERIALIZED (
        SELECT bounds.first, coalesce(bounds.last, bounds.first) AS last,
               coalesce(plan_integer(plan_text(exception, 'Type')), 1) AS type,
               least(greatest(coalesce(plan_integer(plan_text(exception, 'Period')), 1), 1), 999) AS period,
               plan_integer(plan_text(exception, 'DaysOfWeek')) AS days,
               plan_integer(plan_text(exception, 'Month')) AS month,
               plan_integer(plan_text(exception, 'MonthDay')) AS day,
               plan_integer(plan_text(exception, 'MonthItem')) AS item,
               plan_integer(plan_text(exception, 'MonthPosition')) AS position
          FROM (
            SELECT plan_timestamp(plan_text(exception #> '{TimePeriod,0}', 'FromDate'))::date AS first,
                   plan_timestamp(plan_text(exception #> '{TimePeriod,0}', 'ToDate'))::date AS last
          ) AS bounds
         WHERE bounds.first IS NOT NULL
    )
    SELECT rule.first, rule.last
      FROM rule
     WHERE rule.type NOT BETWEEN 2 AND 7 OR (rule.type = 7 AND rule.period = 1)
     UNION ALL
    SELECT one.day, one.day
      FROM rule
     CROSS JOIN LATERAL (
        SELECT rule.first + step.n * rule.period AS day
          FROM generate_series(0, least((rule.last - rule.first) / rule.period, 998)) AS step (n)
         WHERE rule.type = 7 AND rule.period > 1
         UNION ALL
        SELECT rule.first - extract(dow FROM rule.first)::integer + step.n * 7 * rule.period + weekday.n
          FROM generate_series(0, least((rule.last - rule.first) / (7 * rule.period) + 1, 998)) AS step (n)
         CROSS JOIN generate_series(0, 6) AS weekday (n)
         WHERE rule.type = 6 AND rule.days & (1 << weekday.n) <> 0
         UNION ALL
        SELECT coalesce(relative.day, month.first + least(rule.day, month.days) - 1)
          FROM generate_series(
                   0,
                   least(
                       (rule.last - rule.first)
                           / (28 * CASE WHEN rule.type < 4 THEN 12 ELSE rule.period END) + 1,
                       998)
               ) AS step (n)
         CROSS JOIN LATERAL (
            SELECT (CASE
                       WHEN rule.type < 4
                       THEN date_trunc('year', rule.first::timestamp)
                            + make_interval(months => 12 * step.n + least(greatest(rule.month, 0), 11))
                       ELSE date_trunc('month', rule.first::timestamp)
                            + make_interval(months => rule.period * step.n)
                   END)::date AS first
         ) AS start
         CROSS JOIN LATERAL (
            SELECT start.first, ((start.first + interval '1 month')::date - start.first) AS days
         ) AS month
          LEFT JOIN LATERAL (
            SELECT month.first + offsets.n AS day
              FROM generate_series(0, month.days - 1) AS offsets (n)
             WHERE CASE rule.item
                       WHEN 0 THEN true
                       WHEN 1 THEN extract(isodow FROM month.first + offsets.n) <= 5
                       WHEN 2 THEN extract(isodow FROM month.first + offsets.n) > 5
                       ELSE extract(dow FROM month.first + offsets.n) = rule.item - 3
                   END
             ORDER BY CASE WHEN rule.position = 4 THEN -offsets.n ELSE offsets.n END
            OFFSET CASE WHEN rule.position BETWEEN 0 AND 3 THEN rule.position ELSE 0 END
             LIMIT 1
          ) AS relative ON rule.type IN (3, 5)
         WHERE rule.type IN (2, 4) AND rule.day BETWEEN 1 AND 31
            OR rule.type IN (3, 5) AND rule.position BETWEEN 0 AND 4 AND relative.day IS NOT NULL
     ) AS one
     WHERE one.day BETWEEN rule.first AND rule.last;
END;

-- What a project and a link that names it have in common: the name of a file without its folder and its
-- extension. The end of the text suffices, and bounds the work for a name of megabytes.
CREATE FUNCTION plan_file_key(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN left(lower(regexp_replace(
    regexp_replace(right(name, 1000), '^.*[\\/]', ''), '[.](mpp|mpt|mpx|xml)$', '', 'i')), 255);

-- For the other end of a link between projects. Only queries that name the condition can take these
-- indexes, so the planner cannot mistake them for a key of a client's versions. They have the version
-- for an ORDER BY, which selects them. Built under a lock that blocks imports, for some seconds for a
-- million versions.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX project_versions_p6 ON project_versions
    (client_id, left(attributes ->> 'ObjectId', 255), version) WHERE source = 'p6';
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX project_versions_mspdi ON project_versions
    (client_id, plan_file_key(name), version) WHERE source = 'mspdi';

-- OFFSET 0 makes the planner look up each row by its key. Without statistics of a client, it would read
-- all objects of the client, and join them.
CREATE VIEW current_shared_objects AS
SELECT p.client_id, p.project_id, p.version, s.element, s.object_id, s.attributes
  FROM projects p
  JOIN project_versions v USING (client_id, project_id, version)
 CROSS JOIN LATERAL unnest(v.shared_objects) AS used (hash)
 CROSS JOIN LATERAL (
    SELECT o.element, o.object_id, o.attributes
      FROM shared_objects o
     WHERE o.client_id = v.client_id AND o.hash = used.hash
    OFFSET 0
 ) AS s;

-- Parts and shared objects together: P6 has a project's own calendars and codes inside the project, and
-- global ones outside.
CREATE VIEW current_objects AS
SELECT client_id, project_id, version, element,
       coalesce(plan_text(attributes, 'ObjectId'), plan_text(attributes, 'UID')) AS object_id, attributes
  FROM current_project_parts
 UNION ALL
SELECT client_id, project_id, version, element, object_id, attributes
  FROM current_shared_objects;

-- Every record with its attributes. Those of a P6 resource are in its shared object. P6's codes and
-- custom fields of the project itself are parts.
CREATE VIEW current_records AS
SELECT p.client_id, p.project_id, p.version, 'project' AS record, NULL::text AS kind,
       NULL::integer AS ordinal, p.external_id AS record_id, NULL::text AS task_id,
       NULL::text AS resource_id, v.attributes
  FROM projects p
  JOIN project_versions v USING (client_id, project_id, version)
 UNION ALL
SELECT client_id, project_id, version, 'task', kind, ordinal, task_id, task_id, NULL, attributes
  FROM current_tasks
 UNION ALL
SELECT r.client_id, r.project_id, r.version, 'resource', NULL, r.ordinal, r.resource_id, NULL,
       r.resource_id, coalesce(s.attributes, '{}') || r.attributes
  FROM current_resources r
  LEFT JOIN current_shared_objects s
    ON s.client_id = r.client_id AND s.project_id = r.project_id AND s.version = r.version
   AND s.element = 'Resource' AND s.object_id = r.resource_id
 UNION ALL
SELECT client_id, project_id, version, 'assignment', NULL, ordinal,
       coalesce(plan_text(attributes, 'UID'), plan_text(attributes, 'ObjectId')), task_id, resource_id,
       attributes
  FROM current_assignments
 UNION ALL
SELECT s.client_id, s.project_id, s.version,
       CASE WHEN s.element IN ('UDF', 'Code', 'Spread') THEN 'project' ELSE s.element END, NULL, s.ordinal,
       CASE
           WHEN s.element IN ('UDF', 'Code', 'Spread') THEN p.external_id
           ELSE plan_text(s.attributes, 'ObjectId')
       END,
       plan_text(s.attributes, 'ActivityObjectId'), plan_text(s.attributes, 'ResourceObjectId'),
       CASE
           WHEN s.element IN ('UDF', 'Code', 'Spread')
           THEN jsonb_build_object(s.element, jsonb_build_array(s.attributes))
           ELSE s.attributes
       END
  FROM projects p
  JOIN project_parts s USING (client_id, project_id, version);

CREATE VIEW current_calendars AS
SELECT c.client_id, c.project_id, c.version, c.object_id AS calendar_id,
       plan_text(c.attributes, 'Name') AS name,
       plan_text(c.attributes, 'Type') AS type,
       -- Project writes -1 or 0 for none.
       CASE
           WHEN base.id !~ '^(-[0-9]+|0)$' THEN base.id
       END AS base_calendar_id,
       c.object_id = v.calendar_id AS is_default
  FROM current_objects c
  JOIN project_versions v USING (client_id, project_id, version)
 CROSS JOIN LATERAL (
    SELECT coalesce(plan_text(c.attributes, 'BaseCalendarUID'),
                    plan_text(c.attributes, 'BaseCalendarObjectId')) AS id
 ) AS base
 WHERE c.element = 'Calendar';

-- Week 0 is the standard week. Project's further weeks, which apply between two dates, follow.
CREATE VIEW current_calendar_weeks AS
SELECT c.client_id, c.project_id, c.version, c.object_id AS calendar_id,
       plan_text(c.attributes, 'Name') AS calendar, day.week, day.week_name, day.from_date, day.to_date,
       iso.weekday,
       (ARRAY['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[iso.weekday]
           AS weekday_name,
       coalesce(plan_boolean(plan_text(day.item, 'DayWorking')), times.shift IS NOT NULL) AS working,
       times.shift, times.from_time, times.to_time,
       times.to_time - times.from_time
           + CASE WHEN times.to_time <= times.from_time THEN interval '24 hours' ELSE interval '0' END
           AS duration
  FROM current_objects c
 CROSS JOIN LATERAL (
    SELECT 0 AS week, NULL::text AS week_name, NULL::date AS from_date, NULL::date AS to_date, days.item
      FROM jsonb_path_query(c.attributes, '$.WeekDays[*].WeekDay[*]') AS days (item)
     UNION ALL
    SELECT 0, NULL AS week_name, NULL AS from_date, NULL AS to_date, days.item
      FROM jsonb_path_query(c.attributes, '$.StandardWorkWeek[*].StandardWorkHours[*]') AS days (item)
     UNION ALL
    SELECT weeks.number::integer, plan_text(weeks.item, 'Name'),
           plan_timestamp(plan_text(weeks.item #> '{TimePeriod,0}', 'FromDate'))::date,
           plan_timestamp(plan_text(weeks.item #> '{TimePeriod,0}', 'ToDate'))::date, days.item
      FROM jsonb_path_query(c.attributes, '$.WorkWeeks[*].WorkWeek[*]')
           WITH ORDINALITY AS weeks (item, number)
     CROSS JOIN LATERAL jsonb_path_query(weeks.item, '$.WeekDays[*].WeekDay[*]') AS days (item)
 ) AS day
 CROSS JOIN LATERAL (
    SELECT CASE
               WHEN plan_integer(plan_text(day.item, 'DayType')) BETWEEN 1 AND 7
               THEN (plan_integer(plan_text(day.item, 'DayType')) + 5) % 7 + 1
               ELSE array_position(
                   ARRAY['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
                   plan_text(day.item, 'DayOfWeek'))
           END AS weekday
 ) AS iso
  LEFT JOIN LATERAL plan_shifts(day.item) AS times ON true
 WHERE c.element = 'Calendar' AND iso.weekday IS NOT NULL;

-- Project 2007 and later write the exceptions twice: as Exceptions, and for older versions as days of
-- type 0. The latter count only in a calendar without the former.
CREATE VIEW current_calendar_exceptions AS
SELECT c.client_id, c.project_id, c.version, c.object_id AS calendar_id,
       plan_text(c.attributes, 'Name') AS calendar, exception.number AS exception,
       plan_text(exception.item, 'Name') AS name, exception.from_date, exception.to_date,
       coalesce(plan_boolean(plan_text(exception.item, 'DayWorking')), times.shift IS NOT NULL) AS working,
       times.shift, times.from_time, times.to_time,
       times.to_time - times.from_time
           + CASE WHEN times.to_time <= times.from_time THEN interval '24 hours' ELSE interval '0' END
           AS duration
  FROM current_objects c
 CROSS JOIN LATERAL (
    SELECT list.number::integer AS number, list.item, dates.from_date, dates.to_date
      FROM jsonb_path_query(c.attributes, '$.Exceptions[*].Exception[*] ? (@.type() == "object")')
           WITH ORDINALITY AS list (item, number)
     CROSS JOIN LATERAL plan_occurrences(list.item) AS dates
     UNION ALL
    SELECT list.number::integer, list.item, dates.from_date, dates.to_date
      FROM jsonb_path_query(c.attributes, '$.WeekDays[*].WeekDay[*] ? (@.DayType == "0")')
           WITH ORDINALITY AS list (item, number)
     CROSS JOIN LATERAL plan_occurrences(list.item) AS dates
     WHERE NOT jsonb_path_exists(c.attributes, '$.Exceptions[*].Exception[*] ? (@.type() == "object")')
     UNION ALL
    SELECT list.number::integer, list.item, on_day.day, on_day.day
      FROM jsonb_path_query(
               c.attributes, '$.HolidayOrExceptions[*].HolidayOrException[*] ? (@.type() == "object")')
           WITH ORDINALITY AS list (item, number)
     CROSS JOIN LATERAL (SELECT plan_timestamp(plan_text(list.item, 'Date'))::date AS day) AS on_day
     WHERE on_day.day IS NOT NULL
 ) AS exception
  LEFT JOIN LATERAL plan_shifts(exception.item) AS times ON true
 WHERE c.element = 'Calendar';

-- The values of all codes: P6's activity, project, resource and assignment codes, Project's outline
-- codes. A value below another has the id of that one.
CREATE VIEW current_code_values AS
SELECT v.client_id, v.project_id, v.version, v.element,
       plan_text(v.attributes, 'CodeTypeObjectId') AS type_id,
       plan_text(t.attributes, 'Name') AS type, v.object_id AS value_id,
       plan_text(v.attributes, 'CodeValue') AS value,
       plan_text(v.attributes, 'Description') AS description,
       plan_text(v.attributes, 'ParentObjectId') AS parent_value_id
  FROM current_objects v
  LEFT JOIN current_objects t
    ON t.client_id = v.client_id AND t.project_id = v.project_id AND t.version = v.version
   AND t.element = v.element || 'Type' AND t.object_id = plan_text(v.attributes, 'CodeTypeObjectId')
 WHERE v.element IN ('ActivityCode', 'ProjectCode', 'ResourceCode', 'ResourceAssignmentCode')
 UNION ALL
SELECT c.client_id, c.project_id, c.version, c.element, plan_text(c.attributes, 'FieldID'),
       coalesce(plan_text(c.attributes, 'Alias'), plan_text(c.attributes, 'FieldName')),
       coalesce(plan_text(list.item, 'ValueID'), plan_text(list.item, 'FieldGUID')),
       plan_text(list.item, 'Value'), plan_text(list.item, 'Description'),
       nullif(plan_text(list.item, 'ParentValueID'), '0')
  FROM current_project_parts c
 CROSS JOIN LATERAL jsonb_path_query(c.attributes, '$.Values[*].Value[*] ? (@.type() == "object")')
       AS list (item)
 WHERE c.element = 'OutlineCode';

-- Which record has which code. The type and the value are null if the file does not define them.
CREATE VIEW current_codes AS
SELECT r.client_id, r.project_id, r.version, r.record, r.kind, r.ordinal, r.record_id, code.element,
       code.type_id, d.type, code.value_id, d.value, d.description, d.parent_value_id
  FROM current_records r
 CROSS JOIN LATERAL (
    SELECT CASE r.record
               WHEN 'task' THEN 'ActivityCode'
               WHEN 'project' THEN 'ProjectCode'
               WHEN 'resource' THEN 'ResourceCode'
               ELSE 'ResourceAssignmentCode'
           END AS element,
           plan_text(list.item, 'TypeObjectId') AS type_id,
           plan_text(list.item, 'ValueObjectId') AS value_id
      FROM jsonb_path_query(r.attributes, '$.Code[*] ? (@.type() == "object")') AS list (item)
     UNION ALL
    SELECT 'OutlineCode' AS element, plan_text(list.item, 'FieldID'),
           coalesce(plan_text(list.item, 'ValueID'), plan_text(list.item, 'ValueGUID'))
      FROM jsonb_path_query(r.attributes, '$.OutlineCode[*] ? (@.type() == "object")') AS list (item)
 ) AS code
  LEFT JOIN current_code_values d
    ON d.client_id = r.client_id AND d.project_id = r.project_id AND d.version = r.version
   AND d.element = code.element AND d.type_id = code.type_id AND d.value_id = code.value_id
 WHERE r.record IN ('task', 'project', 'resource', 'assignment');

CREATE VIEW current_task_codes AS
SELECT client_id, project_id, version, kind, record_id AS task_id, element, type_id, type, value_id, value,
       description, parent_value_id
  FROM current_codes
 WHERE record = 'task';

CREATE VIEW current_project_codes AS
SELECT client_id, project_id, version, element, type_id, type, value_id, value, description,
       parent_value_id
  FROM current_codes
 WHERE record = 'project';

CREATE VIEW current_resource_codes AS
SELECT client_id, project_id, version, record_id AS resource_id, element, type_id, type, value_id, value,
       description, parent_value_id
  FROM current_codes
 WHERE record = 'resource';

-- The definitions of custom fields. Project has a second id for the field of an assignment. CFType is
-- only in enterprise fields. For local fields, the second id tells the type in every language, and the
-- English name does in older files.
CREATE VIEW current_custom_field_types AS
SELECT client_id, project_id, version, object_id AS field_id, plan_text(attributes, 'Title') AS title,
       NULL::text AS name, lower(plan_text(attributes, 'DataType')) AS type,
       plan_text(attributes, 'SubjectArea') AS subject, attributes
  FROM current_objects
 WHERE element = 'UDFType'
 UNION ALL
SELECT e.client_id, e.project_id, e.version, ids.field_id,
       coalesce(plan_text(e.attributes, 'Alias'), plan_text(e.attributes, 'FieldName')),
       plan_text(e.attributes, 'FieldName'),
       coalesce(
           (ARRAY['cost', 'date', 'duration', 'finish', 'flag', 'number', 'start', 'text'])
               [plan_integer(plan_text(e.attributes, 'CFType')) + 1],
           CASE
               WHEN local.id BETWEEN 255868928 AND 255868937 THEN 'date'
               WHEN local.id BETWEEN 255868938 AND 255868957 THEN 'flag'
               WHEN local.id BETWEEN 255868958 AND 255868967 THEN 'cost'
               WHEN local.id BETWEEN 255868968 AND 255868977 THEN 'duration'
               WHEN local.id BETWEEN 255868978 AND 255868987 THEN 'finish'
               WHEN local.id BETWEEN 255868988 AND 255869007 THEN 'number'
               WHEN local.id BETWEEN 255869018 AND 255869027 THEN 'start'
               WHEN local.id BETWEEN 255869028 AND 255869057 THEN 'text'
           END,
           lower(substring(plan_text(e.attributes, 'FieldName')
                           FROM '^(Cost|Date|Duration|Finish|Flag|Number|Start|Text)[0-9]{1,2}$'))),
       ids.subject, e.attributes
  FROM current_project_parts e
 CROSS JOIN LATERAL (SELECT plan_integer(plan_text(e.attributes, 'SecondaryPID')) AS id) AS local
 CROSS JOIN LATERAL (
    VALUES (plan_text(e.attributes, 'FieldID'), NULL::text),
           (plan_text(e.attributes, 'SecondaryPID'), 'Assignment')
 ) AS ids (field_id, subject)
 WHERE e.element = 'ExtendedAttribute' AND ids.field_id IS NOT NULL;

-- The values of custom fields, as text and in the column of their type. In Project, an assignment's
-- field and an enterprise field is an element whose name is the field's id in hexadecimal, such as
-- f404000. A field may name a value of its definition by number. Costs of Project are hundredths of the
-- currency's unit in the file.
CREATE VIEW current_custom_fields AS
SELECT r.client_id, r.project_id, r.version, r.record, r.kind, r.ordinal, r.record_id, r.task_id,
       r.resource_id, field.field_id, d.title, typed.type, typed.value,
       CASE
           WHEN typed.type = 'cost' AND field.hundredths THEN plan_number(typed.value) / 100
           WHEN typed.type IN ('cost', 'number', 'integer', 'double') THEN plan_number(typed.value)
       END AS value_number,
       CASE
           WHEN typed.type IN ('date', 'start', 'finish', 'start date', 'finish date')
           THEN plan_timestamp(typed.value)
       END AS value_date,
       CASE WHEN typed.type = 'flag' THEN plan_boolean(typed.value) END AS value_boolean,
       CASE WHEN typed.type = 'duration' THEN plan_interval(typed.value) END AS value_duration
  FROM current_records r
 CROSS JOIN LATERAL (
    SELECT plan_text(list.item, 'TypeObjectId') AS field_id,
           coalesce(
               plan_text(list.item, 'TextValue'), plan_text(list.item, 'CodeValue'),
               plan_text(list.item, 'IndicatorValue'), plan_text(list.item, 'IntegerValue'),
               plan_text(list.item, 'DoubleValue'), plan_text(list.item, 'CostValue'),
               plan_text(list.item, 'StartDateValue'), plan_text(list.item, 'FinishDateValue')) AS value,
           false AS hundredths, NULL::text AS value_id
      FROM jsonb_path_query(r.attributes, '$.UDF[*] ? (@.type() == "object")') AS list (item)
     UNION ALL
    SELECT plan_text(list.item, 'FieldID'), plan_text(list.item, 'Value'), true,
           plan_text(list.item, 'ValueID')
      FROM jsonb_path_query(r.attributes, '$.ExtendedAttribute[*] ? (@.type() == "object")') AS list (item)
     WHERE r.record IN ('task', 'resource', 'assignment')
     UNION ALL
    SELECT ('x0' || members.key)::bit(32)::integer::text, plan_text(r.attributes, members.key), true,
           NULL AS value_id
      FROM jsonb_object_keys(r.attributes) AS members (key)
     WHERE r.record IN ('task', 'resource', 'assignment')
       AND length(members.key) = 7 AND members.key ~ '^(b4|b6|c4|f4)[01][0-9a-f]{4}$'
 ) AS field
  LEFT JOIN current_custom_field_types d
    ON d.client_id = r.client_id AND d.project_id = r.project_id AND d.version = r.version
   AND d.field_id = field.field_id
 CROSS JOIN LATERAL (
    SELECT d.type,
           coalesce(field.value, (
               SELECT plan_text(list.item, 'Value')
                 FROM jsonb_path_query(d.attributes, '$.ValueList[*].Value[*] ? (@.type() == "object")')
                      AS list (item)
                WHERE plan_text(list.item, 'ID') = field.value_id
                LIMIT 1
           )) AS value
 ) AS typed;

-- Notes as the file has them, and as plain text: P6 writes HTML.
CREATE VIEW current_notes AS
SELECT n.client_id, n.project_id, n.version, n.record, n.kind, n.record_id, n.topic, n.note,
       plan_plain_text(n.note) AS text
  FROM (
    SELECT client_id, project_id, version, 'task' AS record, kind, task_id AS record_id,
           NULL::text AS topic, notes AS note
      FROM current_tasks
     WHERE notes IS NOT NULL
     UNION ALL
    SELECT r.client_id, r.project_id, r.version, r.record, r.kind, r.record_id,
           nullif(member.name, 'Notes'), plan_text(r.attributes, member.name)
      FROM current_records r
     CROSS JOIN (VALUES ('Notes'), ('ResourceNotes'), ('NotesToResources'), ('Feedback')) AS member (name)
     WHERE r.record IN ('task', 'resource', 'assignment')
       AND plan_text(r.attributes, member.name) IS NOT NULL
     UNION ALL
    SELECT p.client_id, p.project_id, p.version,
           CASE WHEN owner.id IS NULL THEN 'project' ELSE 'task' END,
           CASE
               WHEN owner.id IS NULL THEN NULL
               WHEN p.element = 'ActivityNote' THEN 'activity'
               ELSE 'wbs'
           END,
           coalesce(owner.id, i.external_id), plan_text(t.attributes, 'Name'),
           plan_text(p.attributes, 'Note')
      FROM current_project_parts p
      JOIN projects i USING (client_id, project_id)
     CROSS JOIN LATERAL (
        SELECT CASE p.element
                   WHEN 'ActivityNote' THEN plan_text(p.attributes, 'ActivityObjectId')
                   ELSE plan_text(p.attributes, 'WBSObjectId')
               END AS id
     ) AS owner
      LEFT JOIN current_objects t
        ON t.client_id = p.client_id AND t.project_id = p.project_id AND t.version = p.version
       AND t.element = 'NotebookTopic' AND t.object_id = plan_text(p.attributes, 'NotebookTopicObjectId')
     WHERE p.element IN ('ActivityNote', 'ProjectNote')
  ) AS n
 WHERE n.note IS NOT NULL;

-- Values by period. Project: TimephasedData of tasks, resources, assignments and their baselines, of
-- which those of tasks are in a table of their own. P6:
-- spreads, and the actuals of financial periods. Work is a duration; a P6 unit is an hour, except of
-- material and where the kind of resource is not known. Costs of Project are hundredths in the file.
CREATE VIEW current_timephased AS
SELECT r.client_id, r.project_id, r.version, r.record, r.kind, r.ordinal, r.record_id, r.task_id,
       r.resource_id, phase.type, phase.baseline, phase.start, phase.finish, phase.unit, phase.value,
       CASE
           WHEN phase.type LIKE '%_cost' THEN plan_number(phase.value) / 100
           ELSE plan_number(phase.value)
       END AS value_number,
       plan_interval(phase.value) AS value_duration
  FROM (
    SELECT * FROM current_records WHERE record IN ('task', 'resource', 'assignment')
     UNION ALL
    SELECT client_id, project_id, version, 'task' AS record, kind, NULL AS ordinal, task_id, task_id,
           NULL AS resource_id, attributes
      FROM current_baseline_tasks
 ) AS r
 CROSS JOIN LATERAL (
    SELECT CASE
               WHEN code.n = 1 THEN 'remaining_work'
               WHEN code.n = 2 THEN 'actual_work'
               WHEN code.n = 3 THEN 'actual_overtime_work'
               WHEN code.n = 6 THEN 'actual_cost'
               WHEN code.n = 11 THEN 'percent_complete'
               WHEN code.n = 76 THEN 'physical_percent_complete'
               WHEN code.n IN (4, 7, 9) OR code.n >= 16 AND code.n <= 75 AND code.n % 2 = 0
               THEN 'baseline_work'
               WHEN code.n IN (5, 8, 10) OR code.n BETWEEN 16 AND 75 THEN 'baseline_cost'
           END AS type,
           CASE
               WHEN code.n IN (4, 5, 7, 8, 9, 10) THEN 0
               WHEN code.n BETWEEN 16 AND 75 THEN (code.n - 10) / 6
           END AS baseline,
           plan_timestamp(plan_text(list.item, 'Start')) AS start,
           plan_timestamp(plan_text(list.item, 'Finish')) AS finish,
           (ARRAY['minute', 'hour', 'day', 'week', NULL, 'month', NULL, NULL, 'year'])
               [plan_integer(plan_text(list.item, 'Unit')) + 1] AS unit,
           plan_text(list.item, 'Value') AS value
      FROM (
        SELECT direct.item
          FROM jsonb_path_query(r.attributes, '$.TimephasedData[*] ? (@.type() == "object")')
               AS direct (item)
         UNION ALL
        SELECT below.item
          FROM jsonb_path_query(r.attributes, '$.Baseline[*].TimephasedData[*] ? (@.type() == "object")')
               AS below (item)
      ) AS list
     CROSS JOIN LATERAL (SELECT plan_integer(plan_text(list.item, 'Type')) AS n) AS code
 ) AS phase
 UNION ALL
SELECT r.client_id, r.project_id, r.version, r.record, r.kind, r.ordinal, r.record_id, r.task_id,
       r.resource_id, measure.type, NULL, plan_timestamp(plan_text(period.item, 'StartDate')),
       plan_timestamp(plan_text(period.item, 'EndDate')), lower(period.unit), measure.value,
       plan_number(measure.value),
       CASE
           WHEN measure.type LIKE '%labor_units'
             OR measure.type LIKE '%units'
                AND plan_text(r.attributes, 'ResourceType') IN ('Labor', 'Nonlabor')
           THEN plan_hours(measure.value)
       END
  FROM current_records r
 CROSS JOIN LATERAL (
    SELECT below.item, plan_text(spread.item, 'PeriodType') AS unit
      FROM jsonb_path_query(r.attributes, '$.Spread[*] ? (@.type() == "object")') AS spread (item)
     CROSS JOIN LATERAL jsonb_path_query(spread.item, '$.Period[*] ? (@.type() == "object")')
           AS below (item)
     UNION ALL
    SELECT direct.item, plan_text(r.attributes, 'PeriodType')
      FROM jsonb_path_query(r.attributes, '$.Period[*] ? (@.type() == "object")') AS direct (item)
     WHERE r.record IN ('ProjectResourceSpread', 'ProjectRoleSpread')
 ) AS period
 CROSS JOIN LATERAL (
    SELECT lower(regexp_replace(member.name, '([a-z])([A-Z])', '\1_\2', 'g')) AS type,
           plan_text(period.item, member.name) AS value
      FROM jsonb_object_keys(period.item) AS member (name)
     WHERE member.name NOT IN ('StartDate', 'EndDate', 'FinancialPeriodObjectId')
 ) AS measure
 UNION ALL
SELECT p.client_id, p.project_id, p.version, owner.record, owner.kind, NULL, owner.id, owner.task_id, NULL,
       measure.type, NULL, plan_timestamp(plan_text(f.attributes, 'StartDate')),
       plan_timestamp(plan_text(f.attributes, 'EndDate')), 'financial period', measure.value,
       plan_number(measure.value),
       CASE WHEN measure.type LIKE '%labor_units' THEN plan_hours(measure.value) END
  FROM current_project_parts p
 CROSS JOIN LATERAL (
    SELECT 'task' AS record, 'activity' AS kind, plan_text(p.attributes, 'ActivityObjectId') AS id,
           plan_text(p.attributes, 'ActivityObjectId') AS task_id
     WHERE p.element = 'ActivityPeriodActual'
     UNION ALL
    SELECT 'assignment' AS record, NULL AS kind, plan_text(p.attributes, 'ResourceAssignmentObjectId'),
           plan_text(p.attributes, 'ActivityObjectId')
     WHERE p.element = 'ResourceAssignmentPeriodActual'
 ) AS owner
 CROSS JOIN LATERAL (
    SELECT lower(regexp_replace(member.name, '([a-z])([A-Z])', '\1_\2', 'g')) AS type,
           plan_text(p.attributes, member.name) AS value
      FROM jsonb_object_keys(p.attributes) AS member (name)
     WHERE member.name LIKE 'Actual%'
 ) AS measure
  LEFT JOIN current_objects f
    ON f.client_id = p.client_id AND f.project_id = p.project_id AND f.version = p.version
   AND f.element = 'FinancialPeriod' AND f.object_id = plan_text(p.attributes, 'FinancialPeriodObjectId')
 WHERE p.element IN ('ActivityPeriodActual', 'ResourceAssignmentPeriodActual');

-- Links whose other end is in another project of the same client. An end in this project has its id
-- here. An end elsewhere has the project if exactly one plan that is not archived fits what the file says:
-- P6 gives the ObjectId of the project, Project the name of its file.
CREATE VIEW current_external_dependencies AS
WITH links AS (
    SELECT p.client_id, p.project_id, p.version, 'p6' AS format,
           CASE WHEN own.id IS DISTINCT FROM ends.predecessor THEN ends.predecessor END
               AS predecessor_reference,
           own.id = ends.predecessor AS predecessor_is_own,
           plan_text(p.attributes, 'PredecessorActivityObjectId') AS predecessor_id,
           CASE WHEN own.id IS DISTINCT FROM ends.successor THEN ends.successor END
               AS successor_reference,
           own.id = ends.successor AS successor_is_own,
           plan_text(p.attributes, 'SuccessorActivityObjectId') AS successor_id,
           CASE plan_text(p.attributes, 'Type')
               WHEN 'Finish to Start' THEN 'FS' WHEN 'Start to Start' THEN 'SS'
               WHEN 'Finish to Finish' THEN 'FF' WHEN 'Start to Finish' THEN 'SF'
           END AS type,
           plan_hours(plan_text(p.attributes, 'Lag')) AS lag
      FROM current_project_parts p
      JOIN project_versions v USING (client_id, project_id, version)
     CROSS JOIN LATERAL (SELECT plan_text(v.attributes, 'ObjectId') AS id) AS own
     CROSS JOIN LATERAL (
        SELECT plan_text(p.attributes, 'PredecessorProjectObjectId') AS predecessor,
               plan_text(p.attributes, 'SuccessorProjectObjectId') AS successor
     ) AS ends
     WHERE p.element = 'Relationship'
       AND (ends.predecessor IS DISTINCT FROM own.id OR ends.successor IS DISTINCT FROM own.id)
     UNION ALL
    -- The link of a task to one that is not in the file.
    SELECT p.client_id, p.project_id, p.version, 'mspdi' AS format,
           regexp_replace(file.name, '\\[0-9]+$', ''), false,
           coalesce(substring(file.name FROM '\\([0-9]+)$'), plan_text(p.attributes, 'PredecessorUID')),
           NULL AS successor_reference, true, plan_text(p.attributes, 'TaskUID'),
           (ARRAY['FF', 'FS', 'SF', 'SS'])[coalesce(plan_integer(plan_text(p.attributes, 'Type')), 1) + 1],
           CASE
               WHEN plan_text(p.attributes, 'LagFormat') IS NULL
                 OR plan_text(p.attributes, 'LagFormat') NOT IN ('19', '20', '51', '52')
               THEN plan_integer(coalesce(plan_text(p.attributes, 'LinkLag'), '0')) * interval '6 seconds'
           END
      FROM current_project_parts p
     CROSS JOIN LATERAL (SELECT plan_text(p.attributes, 'CrossProjectName') AS name) AS file
     WHERE p.element = 'PredecessorLink'
       AND (plan_boolean(plan_text(p.attributes, 'CrossProject')) OR file.name IS NOT NULL)
     UNION ALL
    -- The link of a task to a stand-in for a task elsewhere, which Project adds to a file.
    SELECT d.client_id, d.project_id, d.version, 'mspdi' AS format,
           regexp_replace(files.predecessor, '\\[0-9]+$', ''), files.predecessor IS NULL,
           CASE
               WHEN files.predecessor IS NULL THEN d.predecessor_id
               ELSE substring(files.predecessor FROM '\\([0-9]+)$')
           END,
           regexp_replace(files.successor, '\\[0-9]+$', ''), files.successor IS NULL,
           CASE
               WHEN files.successor IS NULL THEN d.successor_id
               ELSE substring(files.successor FROM '\\([0-9]+)$')
           END,
           d.type, d.lag
      FROM current_dependencies d
      JOIN project_versions v USING (client_id, project_id, version)
      LEFT JOIN current_tasks a
        ON a.client_id = d.client_id AND a.project_id = d.project_id AND a.version = d.version
       AND a.task_id = d.predecessor_id AND a.attributes ? 'ExternalTaskProject'
      LEFT JOIN current_tasks b
        ON b.client_id = d.client_id AND b.project_id = d.project_id AND b.version = d.version
       AND b.task_id = d.successor_id AND b.attributes ? 'ExternalTaskProject'
     CROSS JOIN LATERAL (
        SELECT coalesce(plan_text(d.attributes, 'CrossProjectName'),
                        plan_text(a.attributes, 'ExternalTaskProject')) AS predecessor,
               plan_text(b.attributes, 'ExternalTaskProject') AS successor
     ) AS files
     WHERE v.source = 'mspdi' AND (files.predecessor IS NOT NULL OR files.successor IS NOT NULL)
)
SELECT l.client_id, l.project_id, l.version,
       CASE WHEN l.predecessor_is_own THEN l.project_id ELSE other.predecessor_project END
           AS predecessor_project,
       other.predecessor_external_id, l.predecessor_reference, l.predecessor_id,
       CASE WHEN l.successor_is_own THEN l.project_id ELSE other.successor_project END
           AS successor_project,
       other.successor_external_id, l.successor_reference, l.successor_id, l.type, l.lag
  FROM links l
 CROSS JOIN LATERAL (
    SELECT CASE WHEN count(*) FILTER (WHERE ends.first) = 1
                THEN min(p.project_id) FILTER (WHERE ends.first) END AS predecessor_project,
           CASE WHEN count(*) FILTER (WHERE ends.first) = 1
                THEN min(p.external_id) FILTER (WHERE ends.first) END AS predecessor_external_id,
           CASE WHEN count(*) FILTER (WHERE NOT ends.first) = 1
                THEN min(p.project_id) FILTER (WHERE NOT ends.first) END AS successor_project,
           CASE WHEN count(*) FILTER (WHERE NOT ends.first) = 1
                THEN min(p.external_id) FILTER (WHERE NOT ends.first) END AS successor_external_id
      FROM (VALUES (true, l.predecessor_reference), (false, l.successor_reference))
           AS ends (first, reference)
     CROSS JOIN LATERAL (
        (SELECT v.project_id, v.version
           FROM project_versions v
          WHERE l.format = 'p6' AND v.client_id = l.client_id AND v.source = 'p6'
            AND left(v.attributes ->> 'ObjectId', 255) = left(ends.reference, 255)
          ORDER BY v.version)
         UNION ALL
        (SELECT v.project_id, v.version
           FROM project_versions v
          WHERE l.format = 'mspdi' AND v.client_id = l.client_id AND v.source = 'mspdi'
            AND plan_file_key(v.name) = plan_file_key(ends.reference)
          ORDER BY v.version)
     ) AS fitting
     -- OFFSET 0: as in current_shared_objects.
     CROSS JOIN LATERAL (
        SELECT i.project_id, i.external_id
          FROM projects i
         WHERE i.client_id = l.client_id AND i.project_id = fitting.project_id
           AND i.version = fitting.version AND i.archived_at IS NULL
        OFFSET 0
     ) AS p
 ) AS other;

-- migrate:down

DROP VIEW current_external_dependencies, current_timephased, current_notes, current_custom_fields,
    current_custom_field_types, current_resource_codes, current_project_codes, current_task_codes,
    current_codes, current_code_values, current_calendar_exceptions, current_calendar_weeks,
    current_calendars, current_records, current_objects, current_shared_objects;
DROP INDEX project_versions_mspdi, project_versions_p6;
DROP FUNCTION plan_file_key(text), plan_occurrences(jsonb), plan_shifts(jsonb), plan_plain_text(text),
    plan_hours(text), plan_interval(text), plan_time(text), plan_timestamp(text), plan_number(text),
    plan_integer(text), plan_boolean(text), plan_text(jsonb, text);
