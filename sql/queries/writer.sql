-- name: hold
-- SET LOCAL alone gets through PgBouncer. A writer that stops in the middle of a transaction is ended
-- by the server before its heartbeat counts as expired. The next two keep every look-up on its whole
-- key: statistics lag behind a first import, and a plan kept from when the tables were small reads
-- all of the client's projects for each batch. Then it waits for the locks, import before client;
-- whoever takes an import over, or holds the client alone ($5), holds them exclusively. For the
-- client alone it waits its turn among those who share it: by the try form it got none in 15 s.
SELECT set_config('lock_timeout', $3, true),
       set_config('idle_in_transaction_session_timeout', $4, true),
       set_config('plan_cache_mode', 'force_custom_plan', true),
       set_config('enable_seqscan', 'off', true),
       pg_advisory_xact_lock_shared($1),
       CASE WHEN $5 THEN pg_advisory_xact_lock($2) ELSE pg_advisory_xact_lock_shared($2) END

-- name: try_projects
-- Never waits: a batch commits what it got and comes again for the rest. Gives the places, from 1,
-- of those held by others.
SELECT k.place
  FROM unnest($1::bigint[]) WITH ORDINALITY AS k (key, place)
 WHERE NOT pg_try_advisory_xact_lock(k.key)

-- name: fence
-- In a statement after the locks: one that both locks and reads would see the rows as they were
-- before it waited.
SELECT attempt = $3 AND state = 'running' AS ours FROM imports WHERE client_id = $1 AND import_id = $2

-- name: landed
-- Asked after a connection broke: outcomes that are there were committed.
SELECT index FROM import_results
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3 AND index = ANY ($4::bigint[])

-- name: current
-- What the server has of the batch's projects; a lock counts while it has not expired by the clock,
-- not by the start of the transaction. OFFSET 0 has each project looked up by its whole key.
SELECT n.external_id, p.project_id, p.version, p.content_hash, p.archived_at IS NOT NULL AS archived,
       (SELECT v.source
          FROM project_versions v
         WHERE v.client_id = $1 AND v.project_id = p.project_id AND v.version = p.version) AS source,
       l.holder AS locked_by, l.expires_at AS locked_until
  FROM unnest($2::text[]) AS n (external_id)
 CROSS JOIN LATERAL (SELECT *
                       FROM projects
                      WHERE client_id = $1 AND external_id = n.external_id
                     OFFSET 0) AS p
  LEFT JOIN LATERAL (SELECT *
                       FROM project_locks
                      WHERE client_id = $1 AND project_id = p.project_id
                        AND holder IS DISTINCT FROM $3 AND expires_at > clock_timestamp()
                     OFFSET 0) AS l ON true

-- name: create_projects
-- Separate from the update, under the lock: an upsert would burn an identity value for each row.
INSERT INTO projects (client_id, external_id, version, content_hash)
SELECT $1, n.external_id, 1, n.content_hash
  FROM unnest($2::text[], $3::bytea[]) AS n (external_id, content_hash)
RETURNING external_id, project_id

-- name: move_pointers
-- All are there, and are looked up by their whole key whatever the planner thinks: an UPDATE may be
-- planned to read all of the client's projects, or every partition.
INSERT INTO projects (client_id, project_id, external_id, version, content_hash)
SELECT $1, n.project_id, n.external_id, n.version, n.content_hash
  FROM unnest($2::bigint[], $3::text[], $4::integer[], $5::bytea[])
       AS n (project_id, external_id, version, content_hash)
ON CONFLICT (client_id, project_id) DO UPDATE
   SET version = excluded.version, content_hash = excluded.content_hash, archived_at = NULL

-- name: store_shared
-- In the order of the hashes, in a transaction of their own: inside batches they deadlocked.
INSERT INTO shared_objects (client_id, hash, element, object_id, attributes)
SELECT $1, s.hash, s.element, s.object_id, s.attributes::jsonb
  FROM unnest($2::bytea[], $3::text[], $4::text[], $5::text[])
       AS s (hash, element, object_id, attributes)
 ORDER BY s.hash
ON CONFLICT DO NOTHING

-- name: in_the_way
-- The backend that holds the project's key holds, shared, its import's as well. A 64-bit key stands
-- in pg_locks as two unsigned halves.
WITH advisory AS (
    SELECT pid, mode, (classid::bigint << 32) | objid::bigint AS key
      FROM pg_locks
     WHERE locktype = 'advisory' AND objsubid = 1 AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT i.key
  FROM advisory p
  JOIN advisory i USING (pid)
 WHERE p.key = $1 AND p.mode = 'ExclusiveLock'
   AND i.key = ANY ($2::bigint[]) AND i.mode = 'ShareLock'
 LIMIT 1

-- name: running
SELECT import_id FROM imports WHERE client_id = $1 AND state = 'running'
