-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

-- Lists show and sort by these figures, so an import stores them: to count the tasks of a page of
-- projects would read all of them. Versions of earlier releases have NULL.
ALTER TABLE project_versions
    ADD COLUMN task_count integer,
    ADD COLUMN warning_count integer,
    ADD COLUMN progress numeric;

COMMENT ON COLUMN project_versions.task_count IS 'Number of tasks, also summaries and elements of the WBS. NULL in a version of an earlier release.';
COMMENT ON COLUMN project_versions.warning_count IS 'Number of warnings that reading the project gave. NULL in a version of an earlier release.';
COMMENT ON COLUMN project_versions.progress IS 'Percent complete of the activities that sum up no others, weighted by duration; their mean if none has a duration. NULL if no activity states it, and in a version of an earlier release.';

-- migrate:down

SET LOCAL lock_timeout = '5s';

ALTER TABLE project_versions DROP COLUMN progress, DROP COLUMN warning_count, DROP COLUMN task_count;
