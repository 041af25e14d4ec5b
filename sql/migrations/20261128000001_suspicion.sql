-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

-- Since when a running import is suspected to be dead, because it sends no heartbeats. Its owner has a
-- moment from then on to send one: after an outage, all heartbeats are late at once.
ALTER TABLE import_progress ADD COLUMN suspected_at timestamptz;

-- migrate:down

ALTER TABLE import_progress DROP COLUMN suspected_at;
