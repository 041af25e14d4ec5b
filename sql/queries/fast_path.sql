-- name: read_current
-- Reads as read_current in writer.sql, for the projects of several imports.
SELECT n.place, n.external_id, p.project_id, p.version, p.content_hash,
       p.archived_at IS NOT NULL AS archived,
       (SELECT v.source
          FROM project_versions v
         WHERE v.client_id = n.client_id AND v.project_id = p.project_id
           AND v.version = p.version) AS source,
       l.holder AS locked_by, l.expires_at AS locked_until
  FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::text[])
       AS n (place, client_id, external_id, subject)
 CROSS JOIN LATERAL (SELECT *
                       FROM projects
                      WHERE client_id = n.client_id
                        AND external_id >= n.external_id AND external_id <= n.external_id
                      ORDER BY external_id
                      LIMIT 1) AS p
  LEFT JOIN LATERAL (SELECT *
                       FROM project_locks
                      WHERE client_id = n.client_id AND project_id = p.project_id
                        AND holder IS DISTINCT FROM n.subject AND expires_at > clock_timestamp()
                     OFFSET 0) AS l ON true

-- name: store_shared
-- Inserts the shared objects of a group in the order of their keys, as the only statement of the
-- transaction that does, so that two groups cannot deadlock.
INSERT INTO shared_objects (client_id, hash, element, object_id, attributes)
SELECT s.client_id, s.hash, s.element, s.object_id, s.attributes::jsonb
  FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[], $5::text[])
       AS s (client_id, hash, element, object_id, attributes)
 ORDER BY s.client_id, s.hash
ON CONFLICT DO NOTHING

-- name: find_stored
-- Finds the import of a request whose commit was not confirmed.
SELECT import_id FROM import_progress WHERE client_id = $1 AND nonce = $2

-- name: write
-- Writes one import that has ended: its row, its projects and their outcomes. Returns no import_id,
-- and writes nothing, if the client is disabled, a shared object is missing, or another import holds
-- the key, which the condition finds without using up an import_id. The outcomes that it returns are those that it stores. The inserts into the tables with rows
-- are generated; a parameter has all rows of a table, as text.
WITH begun AS (
    INSERT INTO imports (client_id, subject, options, request_id, traceparent, idempotency_key,
                         key_claimed_at, started_at, state, ended_at, notes, filename, dialect,
                         bytes_read, warnings, counts, fingerprint, files_read, files_failed)
    SELECT $1::bigint, $2::text, $3::jsonb, $4::text, $5::text, $6::text,
           CASE WHEN $6 IS NOT NULL THEN statement_timestamp() END,
           statement_timestamp() - make_interval(secs => $8), 'completed', statement_timestamp(),
           $9::text, $10::text, $11::text, $12::bigint, $13::jsonb, $14::jsonb, $15::bytea,
           1, 0
     WHERE EXISTS (SELECT FROM clients WHERE client_id = $1 AND disabled_at IS NULL)
       AND (SELECT count(*)
              FROM unnest($16::bytea[]) AS u (hash)
             CROSS JOIN LATERAL (SELECT FROM shared_objects
                                  WHERE client_id = $1 AND hash = u.hash
                                 OFFSET 0) AS s) = cardinality($16)
       AND ($6 IS NULL
            OR NOT EXISTS (SELECT
                             FROM imports
                            WHERE client_id = $1 AND subject = $2 AND idempotency_key = $6
                              AND key_claimed_at IS NOT NULL))
    ON CONFLICT (client_id, subject, idempotency_key) WHERE key_claimed_at IS NOT NULL DO NOTHING
    RETURNING import_id
), progress AS (
    INSERT INTO import_progress (client_id, import_id, attempt, nonce, beat_at, bytes_read,
                                 projects_done)
    SELECT $1, import_id, 1, $7::bytea, statement_timestamp(), $12, $17::bigint FROM begun
), given AS (
    SELECT *
      FROM begun
     CROSS JOIN unnest($18::text[], $19::bytea[], $20::bigint[], $21::integer[])
           WITH ORDINALITY AS n (external_id, content_hash, project_id, version, place)
), created AS (
    INSERT INTO projects (client_id, external_id, version, content_hash)
    SELECT $1, external_id, version, content_hash FROM given WHERE project_id IS NULL
    RETURNING external_id, project_id
), moved AS (
    INSERT INTO projects (client_id, project_id, external_id, version, content_hash)
    SELECT $1, project_id, external_id, version, content_hash
      FROM given
     WHERE project_id IS NOT NULL
    ON CONFLICT (client_id, project_id) DO UPDATE
       SET version = excluded.version, content_hash = excluded.content_hash, archived_at = NULL
), written AS (
    SELECT g.import_id, g.place, coalesce(g.project_id, c.project_id) AS project_id, g.version,
           g.content_hash
      FROM given g
      LEFT JOIN created c USING (external_id)
), {inserts}
SELECT (SELECT import_id FROM begun) AS import_id,
       (SELECT json_agg(r) FROM results r) AS outcomes
