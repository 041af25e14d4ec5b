-- Distribute the tables by client over the nodes of a Citus cluster. Run this once, on the
-- coordinator, with the role that owns the tables, after `bulk-import migrate` and before the tables
-- are partitioned. Existing rows move with their tables. docs/scaling.md lists what is untested and
-- what may have to change first.
--
--     psql --single-transaction --set=ON_ERROR_STOP=1 --file=sql/citus.sql "$DATABASE_URL"

CREATE EXTENSION IF NOT EXISTS citus;

-- All rows of a client are on one node: each table has as many shards as this one, next to its shards.
SELECT create_distributed_table('clients', 'client_id', shard_count := 32);

SELECT create_distributed_table('projects', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('project_versions', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('tasks', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('dependencies', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('resources', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('assignments', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('baselines', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('baseline_tasks', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('project_parts', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('shared_objects', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('version_labels', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('pruned_versions', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('imports', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('import_progress', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('import_results', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('project_locks', 'client_id', colocate_with := 'clients');
SELECT create_distributed_table('lock_breaks', 'client_id', colocate_with := 'clients');

-- Views join this small table with the rows of every client.
SELECT create_reference_table('check_thresholds');

-- schema_migrations, prune_state and report.readers are not distributed: migrations run on the
-- coordinator, which forwards them, prune_state has one row, and readers connect to the coordinator,
-- because a role has another number on each node.
