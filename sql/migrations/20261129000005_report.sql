-- migrate:up

-- The schema for reports: read-only views with stable columns, for roles that are limited to clients.
-- The service itself does not use it.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

CREATE SCHEMA report;

-- Which roles may see which clients: `bulk-import migrate --grant-reader`. regrole is the number of a
-- role, so a role that is dropped and created again has no clients. No view names the table directly,
-- and no reader may read it.
CREATE TABLE report.readers (
    client_id  bigint      NOT NULL,
    role       regrole     NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, role)
);

-- The clients that the current role may see. Each view of the schema selects
-- `WHERE client_id IN (SELECT client_id FROM report.clients)`. The views run with the rights of their
-- owner, but current_user remains the reader, also after SET ROLE. A role inherits the clients of
-- the roles whose privileges it has. The owner of the tables and superusers see all clients.
--
-- security_barrier: without it, a function in a reader's condition could be called with rows of other
-- clients before they are filtered. Comparisons of ids and dates are leak-proof and use indexes
-- nevertheless.
CREATE VIEW report.clients WITH (security_barrier) AS
SELECT c.client_id, c.name, c.created_at, c.disabled_at
  FROM public.clients c
 WHERE EXISTS (SELECT FROM report.readers r
                WHERE r.client_id = c.client_id AND pg_has_role(r.role, 'USAGE'))
    OR (SELECT pg_has_role(o.relowner, 'USAGE') FROM pg_class o
         WHERE o.oid = 'report.readers'::regclass);

-- migrate:down

DROP SCHEMA report CASCADE;
