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
-- keys, indexes, grants, comments and views. A view over a view is recreated after it. Identity columns
-- continue after the last value, so that no id is used twice. Storage parameters go to the partitions.
-- The query reads the catalog before any of its statements runs.
WITH RECURSIVE old AS (
    SELECT c.oid, c.relname, c.reloptions, c.relacl, c.relowner
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY ($1::text[])
),
links AS (
    SELECT d.refobjid AS below, r.ev_class AS above
      FROM pg_depend d
      JOIN pg_rewrite r ON r.oid = d.objid
     WHERE d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass
       AND r.ev_class <> d.refobjid
),
levels AS (
    SELECT oid, 0 AS level FROM old
    UNION
    SELECT l.above, level + 1 FROM levels JOIN links l ON l.below = levels.oid
),
over AS (
    SELECT v.oid, format('%I.%I', v.relnamespace::regnamespace::text, v.relname) AS name,
           v.reloptions, v.relacl, v.relowner, max(level) AS level
      FROM levels
      JOIN pg_class v USING (oid)
     WHERE level > 0 AND v.relkind = 'v'
     GROUP BY v.oid
),
kept AS (
    SELECT oid, format('%I', relname) AS name, 'TABLE' AS kind, relacl, relowner FROM old
    UNION ALL
    SELECT oid, name, 'VIEW', relacl, relowner FROM over
)
SELECT statement
  FROM (
    SELECT 1, -level, format('DROP VIEW %s', name) FROM over
    UNION ALL
    SELECT 2, 0, format('CREATE TEMPORARY TABLE %I (LIKE %I INCLUDING ALL EXCLUDING INDEXES)'
                        ' ON COMMIT DROP', relname || ' as it was', relname) FROM old
    UNION ALL
    SELECT 3, 0, format('DROP TABLE %I', relname) FROM old
    UNION ALL
    SELECT 4, 0, format('CREATE TABLE %I (LIKE %I INCLUDING ALL) PARTITION BY HASH (client_id)',
                        relname, relname || ' as it was') FROM old
    UNION ALL
    SELECT 5, 0, format('CREATE TABLE %I PARTITION OF %I'
                        ' FOR VALUES WITH (MODULUS %s, REMAINDER %s)%s',
                        relname || '_' || n, relname, $2::integer, n,
                        ' WITH (' || array_to_string(reloptions, ', ') || ')')
      FROM old, generate_series(0, $2 - 1) AS n
    UNION ALL
    SELECT 6, 0, format('ALTER TABLE %I ADD CONSTRAINT %I %s',
                        relname, k.conname, pg_get_constraintdef(k.oid))
      FROM old JOIN pg_constraint k ON k.conrelid = old.oid AND k.contype IN ('p', 'u')
    UNION ALL
    SELECT 7, 0, pg_get_indexdef(i.indexrelid)
      FROM old JOIN pg_index i ON i.indrelid = old.oid
     WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
    UNION ALL
    SELECT 8, level, format('CREATE VIEW %s%s AS %s', name,
                            ' WITH (' || array_to_string(reloptions, ', ') || ')',
                            pg_get_viewdef(oid))
      FROM over
    UNION ALL
    SELECT 9, 0, format('GRANT %s ON %s TO %s%s', g.privilege_type, name,
                        CASE g.grantee WHEN 0 THEN 'PUBLIC'
                                       ELSE quote_ident(g.grantee::regrole::text) END,
                        CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' END)
      FROM kept, aclexplode(relacl) AS g
     WHERE g.grantee <> relowner
    UNION ALL
    SELECT 9, 1, format('COMMENT ON %s IS %L',
                        CASE d.objsubid WHEN 0 THEN format('%s %s', kind, name)
                                        ELSE format('COLUMN %s.%I', name, a.attname) END,
                        d.description)
      FROM kept
      JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = oid
      LEFT JOIN pg_attribute a ON a.attrelid = oid AND a.attnum = d.objsubid
    UNION ALL
    SELECT 10, 0, format('SELECT setval(pg_get_serial_sequence(%L, %L), %s)',
                         relname, a.attname, pg_sequence_last_value(s.id))
      FROM old
      JOIN pg_attribute a ON a.attrelid = old.oid AND a.attidentity <> ''
     CROSS JOIN LATERAL (SELECT pg_get_serial_sequence(quote_ident(relname), a.attname)::regclass
                        ) AS s (id)
     WHERE pg_sequence_last_value(s.id) IS NOT NULL
  ) AS s (place, level, statement)
 ORDER BY place, level
