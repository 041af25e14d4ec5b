-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

-- When pruning deleted the first outcomes of the import. An undo lists all of them, so it is refused
-- from then on.
ALTER TABLE imports ADD COLUMN outcomes_pruned_at timestamptz;

-- migrate:down

ALTER TABLE imports DROP COLUMN outcomes_pruned_at;
