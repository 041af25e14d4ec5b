-- migrate:up

-- Columns for what planners ask about. They are nullable without a default, so PostgreSQL writes no
-- table again. Versions that are stored already keep their values in attributes; the next import of
-- a project makes a version that has the columns.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

ALTER TABLE project_versions
    ADD COLUMN data_date timestamp,
    ADD COLUMN must_finish timestamp,
    ADD COLUMN calendar_id text,
    ADD COLUMN baseline_of text;

ALTER TABLE tasks
    ADD COLUMN code text,
    ADD COLUMN guid text,
    ADD COLUMN status text,
    ADD COLUMN actual_start timestamp,
    ADD COLUMN actual_finish timestamp,
    ADD COLUMN early_start timestamp,
    ADD COLUMN early_finish timestamp,
    ADD COLUMN late_start timestamp,
    ADD COLUMN late_finish timestamp,
    ADD COLUMN actual_duration interval,
    ADD COLUMN remaining_duration interval,
    ADD COLUMN actual_work interval,
    ADD COLUMN remaining_work interval,
    ADD COLUMN constraint_type text,
    ADD COLUMN constraint_date timestamp,
    ADD COLUMN deadline timestamp,
    ADD COLUMN total_float interval,
    ADD COLUMN free_float interval,
    ADD COLUMN critical boolean,
    ADD COLUMN calendar_id text,
    ADD COLUMN physical_percent_complete numeric,
    ADD COLUMN cost numeric,
    ADD COLUMN actual_cost numeric,
    ADD COLUMN remaining_cost numeric;

ALTER TABLE resources
    ADD COLUMN code text,
    ADD COLUMN max_units numeric,
    ADD COLUMN calendar_id text,
    ADD COLUMN standard_rate numeric;

ALTER TABLE assignments
    ADD COLUMN start timestamp,
    ADD COLUMN finish timestamp,
    ADD COLUMN actual_work interval,
    ADD COLUMN remaining_work interval,
    ADD COLUMN cost numeric,
    ADD COLUMN actual_cost numeric,
    ADD COLUMN role_id text;

CREATE OR REPLACE VIEW current_projects AS
SELECT p.client_id, p.project_id, p.external_id, p.version, p.archived_at,
       v.import_id, v.created_at, v.created_by, v.name, v.code, v.status, v.description, v.manager,
       v.currency, v.start, v.finish, v.priority, v.source, v.shared_objects, v.attributes,
       v.data_date, v.must_finish, v.calendar_id, v.baseline_of
  FROM projects p
  JOIN project_versions v USING (client_id, project_id, version);

CREATE OR REPLACE VIEW current_tasks AS
SELECT t.* FROM projects p JOIN tasks t USING (client_id, project_id, version);

CREATE OR REPLACE VIEW current_resources AS
SELECT r.* FROM projects p JOIN resources r USING (client_id, project_id, version);

CREATE OR REPLACE VIEW current_assignments AS
SELECT a.* FROM projects p JOIN assignments a USING (client_id, project_id, version);

-- migrate:down

DROP VIEW current_assignments, current_resources, current_tasks, current_projects;

ALTER TABLE assignments
    DROP COLUMN start,
    DROP COLUMN finish,
    DROP COLUMN actual_work,
    DROP COLUMN remaining_work,
    DROP COLUMN cost,
    DROP COLUMN actual_cost,
    DROP COLUMN role_id;

ALTER TABLE resources
    DROP COLUMN code,
    DROP COLUMN max_units,
    DROP COLUMN calendar_id,
    DROP COLUMN standard_rate;

ALTER TABLE tasks
    DROP COLUMN code,
    DROP COLUMN guid,
    DROP COLUMN status,
    DROP COLUMN actual_start,
    DROP COLUMN actual_finish,
    DROP COLUMN early_start,
    DROP COLUMN early_finish,
    DROP COLUMN late_start,
    DROP COLUMN late_finish,
    DROP COLUMN actual_duration,
    DROP COLUMN remaining_duration,
    DROP COLUMN actual_work,
    DROP COLUMN remaining_work,
    DROP COLUMN constraint_type,
    DROP COLUMN constraint_date,
    DROP COLUMN deadline,
    DROP COLUMN total_float,
    DROP COLUMN free_float,
    DROP COLUMN critical,
    DROP COLUMN calendar_id,
    DROP COLUMN physical_percent_complete,
    DROP COLUMN cost,
    DROP COLUMN actual_cost,
    DROP COLUMN remaining_cost;

ALTER TABLE project_versions
    DROP COLUMN data_date,
    DROP COLUMN must_finish,
    DROP COLUMN calendar_id,
    DROP COLUMN baseline_of;

CREATE VIEW current_projects AS
SELECT p.client_id, p.project_id, p.external_id, p.version, p.archived_at,
       v.import_id, v.created_at, v.created_by, v.name, v.code, v.status, v.description, v.manager,
       v.currency, v.start, v.finish, v.priority, v.source, v.shared_objects, v.attributes
  FROM projects p
  JOIN project_versions v USING (client_id, project_id, version);

CREATE VIEW current_tasks AS
SELECT t.* FROM projects p JOIN tasks t USING (client_id, project_id, version);

CREATE VIEW current_resources AS
SELECT r.* FROM projects p JOIN resources r USING (client_id, project_id, version);

CREATE VIEW current_assignments AS
SELECT a.* FROM projects p JOIN assignments a USING (client_id, project_id, version);
