-- migrate:up

-- The indexes are built under a lock that blocks imports: 10 s for a million imports and a million
-- versions on a busy machine. For more, build both before with CREATE INDEX CONCURRENTLY.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- Finds an import by its key, whether it still holds it or not. Uploads without a key write no entry.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS imports_key ON imports (client_id, subject, idempotency_key, import_id)
 WHERE idempotency_key IS NOT NULL;

-- As before, but only for queries that name its condition. Without statistics of a client, the planner
-- may take any index that begins with client_id for a look-up of one version, and read all of them.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS project_versions_changed ON project_versions (client_id, created_at)
 WHERE created_at > '-infinity';
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX project_versions_created;

-- One row: when the last complete round of pruning began, when one visited all clients, and which
-- settings they had. A round then visits only the clients and projects that changed.
CREATE TABLE IF NOT EXISTS prune_state (
    only_row boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    began_at timestamptz NOT NULL,
    swept_at timestamptz NOT NULL,
    settings jsonb       NOT NULL
);

-- migrate:down

DROP TABLE prune_state;
CREATE INDEX project_versions_created ON project_versions (client_id, created_at);
DROP INDEX project_versions_changed;
DROP INDEX imports_key;
