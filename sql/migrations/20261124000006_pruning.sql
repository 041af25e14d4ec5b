-- migrate:up

-- Deleted versions whose rows are not yet deleted: the rows of a large project take more than one
-- transaction.
CREATE TABLE pruned_versions (
    client_id  bigint  NOT NULL,
    project_id bigint  NOT NULL,
    version    integer NOT NULL,
    PRIMARY KEY (client_id, project_id, version)
);

-- Few of all imports are running.
CREATE INDEX imports_running ON imports (client_id) WHERE state = 'running';

-- migrate:down

DROP INDEX imports_running;
DROP TABLE pruned_versions;
