-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

-- pg_dump writes a regrole as the name of the role, or as its number if the role is dropped. In a
-- restored cluster, that number can be another role. So a grant also has the name, and counts only if
-- the role of its number has it. The trigger adds it to what the previous version inserts.
DO $$
BEGIN
    ALTER TABLE report.readers ADD COLUMN role_name name;
    DELETE FROM report.readers WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = role);
    UPDATE report.readers SET role_name = pg_get_userbyid(role);
    ALTER TABLE report.readers ALTER COLUMN role_name SET NOT NULL;
    COMMENT ON COLUMN report.readers.role_name IS
        'Name of the role at the grant. If the role has another name, the grant does not count.';
    CREATE FUNCTION report.name_reader() RETURNS trigger LANGUAGE plpgsql AS $trigger$
    BEGIN
        NEW.role_name := pg_catalog.pg_get_userbyid(NEW.role);
        RETURN NEW;
    END
    $trigger$;
    CREATE TRIGGER name_reader BEFORE INSERT ON report.readers
        FOR EACH ROW WHEN (NEW.role_name IS NULL) EXECUTE FUNCTION report.name_reader();
    CREATE OR REPLACE VIEW report.clients WITH (security_barrier) AS
    SELECT c.client_id, c.name, c.created_at, c.disabled_at
      FROM public.clients c
     WHERE c.client_id IN (SELECT r.client_id FROM report.readers r
                            WHERE pg_has_role(r.role, 'USAGE')
                              AND pg_get_userbyid(r.role) = r.role_name)
        OR (SELECT pg_has_role(o.relowner, 'USAGE') FROM pg_class o
             WHERE o.oid = 'report.readers'::regclass);
END
$$;

-- migrate:down

SET LOCAL lock_timeout = '5s';

CREATE OR REPLACE VIEW report.clients WITH (security_barrier) AS
SELECT c.client_id, c.name, c.created_at, c.disabled_at
  FROM public.clients c
 WHERE EXISTS (SELECT FROM report.readers r
                WHERE r.client_id = c.client_id AND pg_has_role(r.role, 'USAGE'))
    OR (SELECT pg_has_role(o.relowner, 'USAGE') FROM pg_class o
         WHERE o.oid = 'report.readers'::regclass);

DROP TRIGGER name_reader ON report.readers;
DROP FUNCTION report.name_reader();
ALTER TABLE report.readers DROP COLUMN role_name;
