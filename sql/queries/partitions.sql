-- name: wait_for_others
-- If several processes partition at the same time, one does the work and the others find it done.
-- Readers are not blocked.
LOCK TABLE schema_migrations IN SHARE ROW EXCLUSIVE MODE

-- name: tables
-- The tables whose primary key has client_id first and other columns after it, with the number of
-- their partitions; 0 for a plain table.
SELECT c.relname::text AS name,
       (SELECT count(*) FROM pg_inherits h WHERE h.inhparent = c.oid) AS partitions
  FROM pg_class c
  JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts > 1
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] AND a.attname = 'client_id'
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
 ORDER BY c.relname

-- name: hold
LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE

-- name: has_rows
SELECT EXISTS (SELECT FROM {table})

-- name: statements
-- Returns the statements that recreate the tables $1 with $2 partitions each, and with their columns,
-- keys, indexes, grants and views. Identity columns continue after the last value, so that no id is
-- used twice. Storage parameters go to the partitions. The query reads the catalog before any of its
-- statements runs.
WITH old AS (
    SELECT c.oid, c.relname, c.reloptions, c.relacl, c.relowner
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY ($1::text[])
),
over AS (
    SELECT DISTINCT v.oid, v.relname, v.relacl, v.relowner
      FROM old
      JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = old.oid
                      AND d.classid = 'pg_rewrite'::regclass
      JOIN pg_rewrite r ON r.oid = d.objid
      JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
),
granted AS (
    SELECT relname, relacl, relowner FROM old UNION ALL SELECT relname, relacl, relowner FROM over
)
SELECT statement
  FROM (
    SELECT 1, format('DROP VIEW %I', relname) FROM over
    UNION ALL
    SELECT 2, format('CREATE TEMPORARY TABLE %I (LIKE %I INCLUDING ALL EXCLUDING INDEXES)'
                     ' ON COMMIT DROP', relname || ' as it was', relname) FROM old
    UNION ALL
    SELECT 3, format('DROP TABLE %I', relname) FROM old
    UNION ALL
    SELECT 4, format('CREATE TABLE %I (LIKE %I INCLUDING ALL) PARTITION BY HASH (client_id)',
                     relname, relname || ' as it was') FROM old
    UNION ALL
    SELECT 5, format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)%s',
                     relname || '_' || n, relname, $2::integer, n,
                     ' WITH (' || array_to_string(reloptions, ', ') || ')')
      FROM old, generate_series(0, $2 - 1) AS n
    UNION ALL
    SELECT 6, format('ALTER TABLE %I ADD CONSTRAINT %I %s',
                     relname, k.conname, pg_get_constraintdef(k.oid))
      FROM old JOIN pg_constraint k ON k.conrelid = old.oid AND k.contype IN ('p', 'u')
    UNION ALL
    SELECT 7, pg_get_indexdef(i.indexrelid)
      FROM old JOIN pg_index i ON i.indrelid = old.oid
     WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
    UNION ALL
    SELECT 8, format('CREATE VIEW %I AS %s', relname, pg_get_viewdef(oid)) FROM over
    UNION ALL
    SELECT 9, format('GRANT %s ON %I TO %s%s', g.privilege_type, relname,
                     CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(g.grantee::regrole::text) END,
                     CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' END)
      FROM granted, aclexplode(relacl) AS g
     WHERE g.grantee <> relowner
    UNION ALL
    SELECT 10, format('SELECT setval(pg_get_serial_sequence(%L, %L), %s)',
                      relname, a.attname, pg_sequence_last_value(s.id))
      FROM old
      JOIN pg_attribute a ON a.attrelid = old.oid AND a.attidentity <> ''
     CROSS JOIN LATERAL (SELECT pg_get_serial_sequence(quote_ident(relname), a.attname)::regclass
                        ) AS s (id)
     WHERE pg_sequence_last_value(s.id) IS NOT NULL
  ) AS s (place, statement)
 ORDER BY place
