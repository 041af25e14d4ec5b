-- migrate:up

-- A key is taken from key_claimed_at on and free if that is NULL; the row keeps the key in both cases.
-- The fingerprint identifies the upload. Only the process that runs the import knows the nonce, with
-- which it finds its row if the reply to a commit was lost.
ALTER TABLE imports ADD COLUMN key_claimed_at timestamptz;
ALTER TABLE imports ADD COLUMN fingerprint bytea;
ALTER TABLE import_progress ADD COLUMN nonce bytea;
ALTER TABLE import_progress ADD COLUMN cancelled_by text;

CREATE UNIQUE INDEX imports_key_held ON imports (client_id, subject, idempotency_key)
 WHERE key_claimed_at IS NOT NULL;

-- migrate:down

DROP INDEX imports_key_held;
ALTER TABLE import_progress DROP COLUMN cancelled_by;
ALTER TABLE import_progress DROP COLUMN nonce;
ALTER TABLE imports DROP COLUMN fingerprint;
ALTER TABLE imports DROP COLUMN key_claimed_at;
