-- migrate:up

-- The index is built under a lock that blocks imports, for some seconds for a million versions. For
-- more, build it before with CREATE INDEX CONCURRENTLY.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- As project_versions_created, but only for queries that name its condition. Without statistics of a
-- client, the planner may take any index that begins with client_id for a look-up of one version, and
-- read all of them.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS project_versions_changed ON project_versions (client_id, created_at)
 WHERE created_at > '-infinity';

-- migrate:down

DROP INDEX project_versions_changed;
