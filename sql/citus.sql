-- Distributes the tables by client over the nodes of a Citus cluster: all rows of a client are on one
-- node. Existing rows move with their tables; tables that are distributed already stay as they are. Run
-- it on the coordinator, as the role that owns the tables and the database, after `bulk-import migrate`,
-- or let `bulk-import migrate --distribute` run it. docs/operate/citus/set-up.md lists the steps before it.
--
--     psql --set=ON_ERROR_STOP=1 --file=sql/citus.sql "$DATABASE_URL"
--
-- The setting bulk_import.shards is the number of shards of the first run, by default 32:
-- PGOPTIONS="-c bulk_import.shards=64".

DO $distribute$
DECLARE
    shards CONSTANT integer := coalesce(nullif(current_setting('bulk_import.shards', true), ''), '32');
    name text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        RAISE EXCEPTION 'this database has no extension citus'
            USING HINT = 'As a superuser, run CREATE EXTENSION citus on each node.';
    END IF;
    -- Without workers, all shards would be created on the coordinator, and stay there.
    IF NOT EXISTS (SELECT FROM pg_dist_node WHERE groupid <> 0 AND isactive AND shouldhaveshards) THEN
        RAISE EXCEPTION 'the Citus cluster has no workers'
            USING HINT = 'Run citus_set_coordinator_host(), and citus_add_node() for each worker.';
    END IF;
    IF to_regclass('clients') IS NULL THEN
        RAISE EXCEPTION 'the tables do not exist' USING HINT = 'Run bulk-import migrate first.';
    END IF;
    IF EXISTS (SELECT FROM pg_class
                WHERE relnamespace = 'public'::regnamespace AND relkind = 'p') THEN
        RAISE EXCEPTION 'the tables have partitions, which shards would replace'
            USING HINT = 'Use a database that was migrated without --partitions.';
    END IF;

    -- For new sessions. Otherwise Citus looks up each table of a catalog query among its shards, and
    -- the question that asyncpg asks about a type on each new connection takes seconds. What a
    -- transaction sets with SET LOCAL shall be valid on the workers too. A node that does not answer new
    -- connections is given up before the service gives up the session, which would wait on: 25 s.
    EXECUTE format('ALTER DATABASE %I SET citus.override_table_visibility = off', current_database());
    EXECUTE format('ALTER DATABASE %I SET citus.propagate_set_commands = local', current_database());
    EXECUTE format('ALTER DATABASE %I SET citus.node_connection_timeout = %L', current_database(), '5s');

    IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'clients'::regclass) THEN
        PERFORM create_distributed_table('clients', 'client_id', shard_count := shards);
        RAISE NOTICE 'distributed clients';
    END IF;
    FOR name IN
        SELECT c.relname
          FROM pg_class c
          JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts > 1
          JOIN pg_attribute a
               ON a.attrelid = c.oid AND a.attnum = i.indkey[0] AND a.attname = 'client_id'
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
           AND NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = c.oid)
         ORDER BY c.relname
    LOOP
        PERFORM create_distributed_table(name, 'client_id', colocate_with := 'clients');
        RAISE NOTICE 'distributed %', name;
    END LOOP;
    -- Views join this small table with the rows of every client.
    IF to_regclass('check_thresholds') NOT IN (SELECT logicalrelid FROM pg_dist_partition) THEN
        PERFORM create_reference_table('check_thresholds');
    END IF;
    -- schema_migrations, prune_state and report.readers stay on the coordinator: migrations run there,
    -- prune_state has one row, and a role has another number on each node.
END
$distribute$;
