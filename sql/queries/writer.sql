-- name: find_outcomes
-- Finds the outcomes of a batch that are stored, after a connection broke at the commit.
SELECT index FROM import_results
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3 AND index = ANY ($4::bigint[])

-- name: lock_projects
-- Tries the exclusive locks $1 of a batch's projects. Returns the positions, from 1, of the keys that
-- other transactions hold. The query names no table: Citus would take the locks where the table is.
SELECT k.place
  FROM unnest($1::bigint[]) WITH ORDINALITY AS k (key, place)
 WHERE NOT pg_try_advisory_xact_lock(k.key)

-- name: read_current
-- Reads the stored state of the batch's projects. A lock expires by the clock, not by the start of the
-- transaction. A range of one key, with its ORDER BY, selects the index of the key: the transaction
-- cannot sort. $4 are the names of the dates to read, of the version or of a later file with its
-- content. 40 and 65536 are MAX_DATE and MAX_ATTRIBUTES in plan_dates.py; pg_column_size does not
-- decompress.
SELECT n.external_id, p.project_id, p.version, p.content_hash, p.archived_at IS NOT NULL AS archived,
       (SELECT v.source
          FROM project_versions v
         WHERE v.client_id = $1 AND v.project_id = p.project_id AND v.version = p.version) AS source,
       l.holder AS locked_by, l.expires_at AS locked_until,
       CASE WHEN cardinality($4::text[]) = 0 THEN NULL
            WHEN p.dates_version = p.version THEN p.dates
            ELSE (SELECT coalesce(jsonb_object_agg(d.name, v.attributes->>d.name),
                                  jsonb_build_object())
                    FROM project_versions v
                   CROSS JOIN unnest($4) AS d (name)
                   WHERE v.client_id = $1 AND v.project_id = p.project_id AND v.version = p.version
                     AND CASE WHEN pg_column_size(v.attributes) <= 65536
                              THEN length(v.attributes->>d.name) <= 40
                         END)
        END AS dates
  FROM unnest($2::text[]) AS n (external_id)
 CROSS JOIN LATERAL (SELECT *
                       FROM projects
                      WHERE client_id = $1
                        AND external_id >= n.external_id AND external_id <= n.external_id
                      ORDER BY external_id
                      LIMIT 1) AS p
  LEFT JOIN LATERAL (SELECT *
                       FROM project_locks
                      WHERE client_id = $1 AND project_id = p.project_id
                        AND holder IS DISTINCT FROM $3 AND expires_at > clock_timestamp()
                     OFFSET 0) AS l ON true

-- name: is_suspected
-- Whether an import is suspected to be dead: see suspect_silent in imports.sql.
SELECT suspected_at > beat_at FROM import_progress WHERE client_id = $1 AND import_id = $2

-- name: create_projects
-- Runs under the projects' locks. Separate from the update, because an upsert would use up an
-- identity value for each row.
INSERT INTO projects (client_id, external_id, version, content_hash)
SELECT $1, n.external_id, 1, n.content_hash
  FROM unnest($2::text[], $3::bytea[]) AS n (external_id, content_hash)
RETURNING external_id, project_id

-- name: move_pointers
-- All rows exist, so this only updates. ON CONFLICT looks each row up by its whole key, while the plan
-- of an UPDATE may read all projects of the client, or every partition.
INSERT INTO projects (client_id, project_id, external_id, version, content_hash)
SELECT $1, n.project_id, n.external_id, n.version, n.content_hash
  FROM unnest($2::bigint[], $3::text[], $4::integer[], $5::bytea[])
       AS n (project_id, external_id, version, content_hash)
ON CONFLICT (client_id, project_id) DO UPDATE
   SET version = excluded.version, content_hash = excluded.content_hash, archived_at = NULL

-- name: set_dates
-- Sets the dates of projects whose content did not change. All rows exist; see move_pointers.
INSERT INTO projects (client_id, project_id, external_id, version, content_hash, dates)
SELECT $1, n.project_id, n.external_id, 0, n.content_hash, n.dates::jsonb
  FROM unnest($2::bigint[], $3::text[], $4::bytea[], $5::text[])
       AS n (project_id, external_id, content_hash, dates)
ON CONFLICT (client_id, project_id) DO UPDATE
   SET dates = excluded.dates, dates_version = projects.version

-- name: store_shared
-- Inserts in the order of the hashes and in a separate transaction: inserts within batches deadlocked.
INSERT INTO shared_objects (client_id, hash, element, object_id, attributes)
SELECT $1, s.hash, s.element, s.object_id, s.attributes::jsonb
  FROM unnest($2::bytea[], $3::text[], $4::text[], $5::text[])
       AS s (hash, element, object_id, attributes)
 ORDER BY s.hash
ON CONFLICT DO NOTHING

-- name: progress
-- The progress of a project from its tasks, except summaries and the WBS. An activity without a
-- percentage counts as not begun, unless none has one.
CASE WHEN count(percent_complete) > 0
     THEN round(coalesce(
              sum(coalesce(percent_complete, 0)::float8 * date_part('epoch', duration))
                  FILTER (WHERE duration > interval '0')
              / sum(date_part('epoch', duration)) FILTER (WHERE duration > interval '0'),
              avg(coalesce(percent_complete, 0))::float8)::numeric, 1)
END

-- name: read_progress
-- The progress of versions whose tasks this transaction has written.
SELECT n.project_id, t.progress
  FROM unnest($2::bigint[], $3::integer[]) AS n (project_id, version)
 CROSS JOIN LATERAL (SELECT {progress} AS progress
                       FROM tasks
                      WHERE client_id = $1 AND project_id = n.project_id AND version = n.version
                        AND kind = 'activity' AND NOT summary) AS t
