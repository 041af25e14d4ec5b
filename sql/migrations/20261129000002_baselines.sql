-- migrate:up

-- Baselines: earlier states of a plan that its file keeps for comparison. They belong to the version
-- of the project that they came with. Both tables are written, copied and pruned like the other
-- records of a version, so they have the same key and the same storage parameters.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

CREATE TABLE baselines (
    client_id  bigint  NOT NULL,
    project_id bigint  NOT NULL,
    version    integer NOT NULL,
    ordinal    integer NOT NULL,
    number     integer NOT NULL,
    name       text,
    type       text,
    current    boolean NOT NULL,
    attributes jsonb   NOT NULL,
    PRIMARY KEY (client_id, project_id, version, ordinal)
) WITH (
    autovacuum_freeze_min_age = 0,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_scale_factor = 0.05
);

CREATE TABLE baseline_tasks (
    client_id  bigint  NOT NULL,
    project_id bigint  NOT NULL,
    version    integer NOT NULL,
    ordinal    integer NOT NULL,
    number     integer NOT NULL,
    kind       text    NOT NULL,
    task_id    text    NOT NULL,
    code       text,
    name       text,
    start      timestamp,
    finish     timestamp,
    duration   interval,
    work       interval,
    cost       numeric,
    attributes jsonb   NOT NULL,
    PRIMARY KEY (client_id, project_id, version, ordinal)
) WITH (
    autovacuum_freeze_min_age = 0,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_scale_factor = 0.05
);

CREATE VIEW current_baselines AS
SELECT b.* FROM projects p JOIN baselines b USING (client_id, project_id, version);

CREATE VIEW current_baseline_tasks AS
SELECT b.* FROM projects p JOIN baseline_tasks b USING (client_id, project_id, version);

-- migrate:down

DROP VIEW current_baseline_tasks, current_baselines;
DROP TABLE baseline_tasks, baselines;
