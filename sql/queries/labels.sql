-- name: has_version
-- Runs after the lock of the labels, so that pruning does not delete the version meanwhile.
SELECT true FROM project_versions WHERE client_id = $1 AND project_id = $2 AND version = $3

-- name: read_label
SELECT label, created_at, created_by
  FROM version_labels
 WHERE client_id = $1 AND project_id = $2 AND version = $3

-- name: find_version
-- The version of the project that has the label $3.
SELECT version FROM version_labels WHERE client_id = $1 AND project_id = $2 AND label = $3

-- name: set_label
INSERT INTO version_labels (client_id, project_id, version, label, created_by)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (client_id, project_id, version) DO UPDATE
   SET label = excluded.label, created_at = excluded.created_at, created_by = excluded.created_by
RETURNING label, created_at, created_by

-- name: delete_label
DELETE FROM version_labels WHERE client_id = $1 AND project_id = $2 AND version = $3
