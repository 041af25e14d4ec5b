-- migrate:up

-- The index is built under a lock that blocks imports, for some seconds for a million imports. For more,
-- build it before with CREATE INDEX CONCURRENTLY.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- Finds the undos of an import. Other imports write no entry.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS imports_undo ON imports (client_id, (options->>'undo'), import_id)
 WHERE options->>'undo' IS NOT NULL;

-- migrate:down

DROP INDEX imports_undo;
