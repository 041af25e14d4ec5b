-- migrate:up

-- Whether the project was put away as this version says it, and since when: so that a version can be
-- put back as it was. No import archives.
ALTER TABLE project_versions ADD COLUMN archived_at timestamptz;

-- migrate:down

ALTER TABLE project_versions DROP COLUMN archived_at;
