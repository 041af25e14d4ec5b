-- migrate:up

-- The index is built under a lock that blocks imports, for some seconds for a million imports. For more,
-- build it before with CREATE INDEX CONCURRENTLY.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- Finds an import by its key, whether it still holds it or not. Uploads without a key write no entry.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS imports_key ON imports (client_id, subject, idempotency_key, import_id)
 WHERE idempotency_key IS NOT NULL;

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
DROP INDEX imports_key;
