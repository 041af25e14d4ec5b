-- migrate:up

-- A key is held from key_claimed_at on, and freed by NULL; it stays to be seen either way. The
-- fingerprint is of what was uploaded under it. The nonce is known to the owner alone, who finds its
-- own row by it where the answer to a commit was lost.
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
