-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

-- Labels of versions. Pruning keeps a version with a label. They are not a column of project_versions,
-- because versions are never updated.
CREATE TABLE version_labels (
    client_id  bigint      NOT NULL,
    project_id bigint      NOT NULL,
    version    integer     NOT NULL,
    label      text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text        NOT NULL DEFAULT '',
    PRIMARY KEY (client_id, project_id, version),
    UNIQUE (client_id, project_id, label)
);

COMMENT ON TABLE version_labels IS 'Labels of versions. Pruning keeps a version with a label.';
COMMENT ON COLUMN version_labels.client_id IS 'Client to which the row belongs.';
COMMENT ON COLUMN version_labels.project_id IS 'Project of the version.';
COMMENT ON COLUMN version_labels.version IS 'Number of the version.';
COMMENT ON COLUMN version_labels.label IS 'Label, which no other version of the project has.';
COMMENT ON COLUMN version_labels.created_at IS 'When the version got this label.';
COMMENT ON COLUMN version_labels.created_by IS 'User who set the label: the `sub` of the token.';

-- migrate:down

DROP TABLE version_labels;
