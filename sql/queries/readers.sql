-- name: find_role
-- The number of a role, and whether it owns the table of the readers; no row if there is none of that
-- name.
SELECT r.oid, r.oid = c.relowner AS is_owner
  FROM pg_roles r
 CROSS JOIN pg_class c
 WHERE r.rolname = $1 AND c.oid = 'report.readers'::regclass

-- name: find_clients
SELECT client_id FROM clients WHERE client_id = ANY ($1::bigint[])

-- name: add
-- A role that was renamed has the grant again under its new name.
INSERT INTO report.readers (client_id, role, role_name)
SELECT client_id, $1::oid, pg_get_userbyid($1::oid) FROM unnest($2::bigint[]) AS client_id
ON CONFLICT (client_id, role) DO UPDATE SET role_name = excluded.role_name

-- name: remove
-- All clients of the role if $2 is NULL.
DELETE FROM report.readers WHERE role = $1::oid AND ($2::bigint[] IS NULL OR client_id = ANY ($2))
RETURNING client_id

-- name: has_clients
SELECT EXISTS (SELECT FROM report.readers WHERE role = $1::oid)

-- name: grants
-- A reader may use the schema and read its views. It has no other privileges on data: the views run with
-- the rights of their owner. Their functions run with those of the reader, and read no tables.
SELECT format('GRANT USAGE ON SCHEMA report TO %I', $1::text)
UNION ALL
SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', oid::regprocedure, $1::text)
  FROM pg_proc
 WHERE pronamespace = 'report'::regnamespace
    OR pronamespace = 'public'::regnamespace AND proname LIKE 'plan\_%'
UNION ALL
SELECT format('GRANT SELECT ON report.%I TO %I', relname, $1::text)
  FROM pg_class
 WHERE relnamespace = 'report'::regnamespace AND relkind = 'v'

-- name: revocations
SELECT format('REVOKE ALL ON ALL TABLES IN SCHEMA report FROM %I', $1::text)
UNION ALL
SELECT format('REVOKE ALL ON FUNCTION %s FROM %I', oid::regprocedure, $1::text)
  FROM pg_proc
 WHERE pronamespace = 'report'::regnamespace
    OR pronamespace = 'public'::regnamespace AND proname LIKE 'plan\_%'
UNION ALL
SELECT format('REVOKE ALL ON SCHEMA report FROM %I', $1::text)
