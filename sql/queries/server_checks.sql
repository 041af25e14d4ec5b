-- name: find_hidden_sessions
-- Looks at the service's sessions in this database, as projects.watermark does. Returns whether its own
-- is among them, whether they report no state because track_activities is off, and the roles of which
-- one lacks the rights to see and end the sessions of another. Nobody but a superuser can end those of
-- a superuser.
WITH sessions AS (
    SELECT pid, usesysid, state
      FROM pg_stat_activity
     WHERE datname = current_database()
       AND (application_name = $1 OR starts_with(application_name, $1 || ' - '))
), roles AS (
    SELECT oid, rolname, rolsuper,
           pg_has_role(oid, 'pg_read_all_stats', 'USAGE')
               AND pg_has_role(oid, 'pg_signal_backend', 'USAGE') AS granted
      FROM pg_roles
     WHERE oid IN (SELECT usesysid FROM sessions)
)
SELECT EXISTS (SELECT FROM sessions WHERE pid = pg_backend_pid()) AS named,
       EXISTS (SELECT FROM sessions WHERE state = 'disabled') AS disabled,
       (SELECT string_agg(DISTINCT quote_ident(r.rolname), ', ' ORDER BY quote_ident(r.rolname))
          FROM roles a
          JOIN roles b ON a.oid <> b.oid
          JOIN roles r ON r.oid IN (a.oid, b.oid)
         WHERE NOT (a.granted OR pg_has_role(a.oid, b.oid, 'USAGE'))
            OR b.rolsuper AND NOT a.rolsuper) AS roles

-- name: read_durability
-- The settings that decide what a commit survives, and how many standbys follow. A logical subscriber
-- has a database, a standby has none. Without pg_read_all_stats the state is hidden.
SELECT current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('synchronous_standby_names') <> '' AS synchronous,
       count(*) FILTER (WHERE r.state IN ('streaming', 'catchup')) AS standbys,
       count(*) FILTER (WHERE r.state IS NULL) AS hidden
  FROM pg_stat_replication r
  JOIN pg_stat_activity a USING (pid)
 WHERE a.datid IS NULL AND r.application_name NOT IN ('pg_basebackup', 'pg_receivewal')
