-- migrate:up

-- When the project was archived, as of this version, so that an undo can restore it. Imports never
-- archive a project.
ALTER TABLE project_versions ADD COLUMN archived_at timestamptz;

-- migrate:down

ALTER TABLE project_versions DROP COLUMN archived_at;
