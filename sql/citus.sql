-- Distributes the tables by client over the nodes of a Citus cluster. To be run once, on the
-- coordinator, by the role that owns the tables, after `bulk-import migrate` and while they are plain.
-- Rows that are there move with them. docs/scaling.md says what is not tried, and what may
-- have to change first.
--
--     psql --single-transaction --set=ON_ERROR_STOP=1 --file=sql/citus.sql "$DATABASE_URL"

CREATE EXTENSION IF NOT EXISTS citus;

-- All of a client's rows lie on one node: each table has as many shards as this one, beside its own.
SELECT create_distributed_table('clients', 'client_id', shard_count := 32);

SELECT create_distributed_table('projects', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('project_versions', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('tasks', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('dependencies', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('resources', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('assignments', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('project_parts', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('shared_objects', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('pruned_versions', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('imports', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('import_progress', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('import_results', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('project_locks', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('lock_breaks', 'client_id', colocate_with := 'clients');

-- schema_migrations stays where it is: migrations run on the coordinator, which passes them on.
