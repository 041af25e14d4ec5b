-- name: add
INSERT INTO clients (client_id, name) VALUES ($1, $2)
ON CONFLICT (client_id) DO NOTHING
RETURNING true

-- name: list
SELECT c.client_id, c.name, c.created_at, c.disabled_at,
       (SELECT count(*) FROM projects p WHERE p.client_id = c.client_id) AS projects
  FROM clients c
 ORDER BY c.client_id

-- name: is_disabled
-- NULL if the client does not exist.
SELECT disabled_at IS NOT NULL FROM clients WHERE client_id = $1

-- name: disable
-- The time of the first call stays.
WITH disabled AS (
    UPDATE clients SET disabled_at = now() WHERE client_id = $1 AND disabled_at IS NULL
)
SELECT true FROM clients WHERE client_id = $1

-- name: enable
UPDATE clients SET disabled_at = NULL WHERE client_id = $1 RETURNING true

-- name: list_running_imports
SELECT import_id FROM imports WHERE client_id = $1 AND state = 'running'

-- name: delete_rows
-- Deletes the next $2 rows of {table} by its primary key, in which {key} follows client_id.
DELETE FROM {table}
 WHERE client_id = $1
   AND ({key}) <= (SELECT {key}
                     FROM (SELECT {key} FROM {table} WHERE client_id = $1 ORDER BY {key} LIMIT $2) t
                    ORDER BY ({key}) DESC
                    LIMIT 1)

-- name: delete_client
-- Readers lose the client too, so that none sees another client that gets the id later.
WITH readers AS (DELETE FROM report.readers WHERE client_id = $1)
DELETE FROM clients WHERE client_id = $1

-- name: count_projects
-- NULL if the client does not exist.
SELECT (SELECT count(*) FROM projects p WHERE p.client_id = $1)
  FROM clients c
 WHERE c.client_id = $1
