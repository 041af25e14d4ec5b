-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

-- A version is immutable. So the project's row has the dates of a later file with equal content, which
-- writes no version. No index has the columns, so the update is a HOT update.
ALTER TABLE projects ADD COLUMN dates jsonb, ADD COLUMN dates_version integer;

COMMENT ON COLUMN projects.dates IS 'Dates of the newest file that had the content of version `dates_version`, if an import with `if_newer` found it newer than the version''s own file; else NULL.';
COMMENT ON COLUMN projects.dates_version IS 'Version to which `dates` belongs. If it is not the current one, `dates` does not count.';

-- migrate:down

SET LOCAL lock_timeout = '5s';

ALTER TABLE projects DROP COLUMN dates_version, DROP COLUMN dates;
