-- name: add
INSERT INTO clients (client_id, name) VALUES ($1, $2)
ON CONFLICT (client_id) DO NOTHING
RETURNING true

-- name: list
SELECT c.client_id, c.name, c.created_at, c.disabled_at,
       (SELECT count(*) FROM projects p WHERE p.client_id = c.client_id) AS projects
  FROM clients c
 ORDER BY c.client_id

-- name: disable
UPDATE clients SET disabled_at = coalesce(disabled_at, now()) WHERE client_id = $1 RETURNING true

-- name: enable
UPDATE clients SET disabled_at = NULL WHERE client_id = $1 RETURNING true

-- name: hold_client
-- Batches hold it shared.
SELECT pg_advisory_xact_lock($1)

-- name: count_projects
-- NULL where there is no such client.
SELECT (SELECT count(*) FROM projects p WHERE p.client_id = c.client_id)
  FROM clients c
 WHERE c.client_id = $1
