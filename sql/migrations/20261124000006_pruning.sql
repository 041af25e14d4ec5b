-- migrate:up

-- Versions that are gone, and whose rows are still to go: those of a large project take more than
-- one transaction.
CREATE TABLE pruned_versions (
    client_id  bigint  NOT NULL,
    project_id bigint  NOT NULL,
    version    integer NOT NULL,
    PRIMARY KEY (client_id, project_id, version)
);

-- A few among all that there ever were.
CREATE INDEX imports_running ON imports (client_id) WHERE state = 'running';

-- migrate:down

DROP INDEX imports_running;
DROP TABLE pruned_versions;
