-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

-- In a transaction of its own: a batch reads project_versions and then writes it. If this migration held
-- the weaker lock of CREATE INDEX meanwhile, both would wait for each other.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX project_versions_created;

-- migrate:down

CREATE INDEX project_versions_created ON project_versions (client_id, created_at);
