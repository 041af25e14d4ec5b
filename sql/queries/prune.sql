-- name: try_prune
-- One replica at a time; the lock lasts as long as one small transaction.
SELECT pg_try_advisory_xact_lock($1)

-- name: clients
SELECT client_id FROM clients ORDER BY client_id

-- name: superseded
-- Versions behind the last $2 of their project, once the version after them is older than $3 seconds:
-- somebody may be reading one that was current a moment ago.
SELECT v.project_id, v.version
  FROM project_versions v
 WHERE v.client_id = $1
   AND v.version < (SELECT k.version
                      FROM project_versions k
                     WHERE k.client_id = v.client_id AND k.project_id = v.project_id
                     ORDER BY k.version DESC
                    OFFSET $2 - 1
                     LIMIT 1)
   AND (SELECT min(n.created_at)
          FROM project_versions n
         WHERE n.client_id = v.client_id AND n.project_id = v.project_id
           AND n.version > v.version) < clock_timestamp() - make_interval(secs => $3)
 ORDER BY v.project_id, v.version
 LIMIT $4

-- name: delete_versions
-- By the primary key: by ctid, another tenant's rows went on a partitioned table.
DELETE FROM project_versions t
 USING unnest($2::bigint[], $3::integer[]) AS old (project_id, version)
 WHERE t.client_id = $1 AND t.project_id = old.project_id AND t.version = old.version

-- name: delete_children
-- {table} is one of the children's tables.
DELETE FROM {table} t
 USING unnest($2::bigint[], $3::integer[]) AS old (project_id, version)
 WHERE t.client_id = $1 AND t.project_id = old.project_id AND t.version = old.version

-- name: expired_results
-- The next range of outcomes past their keep; running imports have no end.
SELECT i.import_id, r.attempt, r.index
  FROM imports i
 CROSS JOIN LATERAL (SELECT attempt, index
                       FROM import_results
                      WHERE client_id = i.client_id AND import_id = i.import_id
                      ORDER BY attempt, index
                      LIMIT 1) AS r
 WHERE i.client_id = $1 AND i.ended_at < clock_timestamp() - make_interval(days => $2)
 ORDER BY i.import_id
 LIMIT 1

-- name: delete_results
DELETE FROM import_results
 WHERE client_id = $1 AND import_id = $2 AND attempt = $3 AND index >= $4 AND index < $5

-- name: hold_client
SELECT pg_advisory_xact_lock($1)

-- name: delete_shared
-- Under the client's lock, held exclusively by an earlier statement. An import that runs may have
-- stored an object whose project is still to come, so nothing goes while one does.
DELETE FROM shared_objects s
 WHERE s.client_id = $1
   AND NOT EXISTS (SELECT FROM imports i WHERE i.client_id = $1 AND i.state = 'running')
   AND s.hash NOT IN (SELECT unnest(v.shared_objects) FROM project_versions v WHERE v.client_id = $1)
