-- name: grants
-- The privileges that the service needs, and no others: the role that migrates adds and removes
-- clients and changes the schema, and rows that are written once are never updated. Identity columns
-- need no grant. Replicas with different roles need pg_read_all_stats and pg_signal_backend too, which
-- only a superuser can grant.
SELECT format('GRANT %s TO %I', granted, $1::text)
  FROM unnest(ARRAY[
         'USAGE ON SCHEMA public',
         -- An index calls it. PUBLIC may execute functions, unless the operator has revoked that.
         'EXECUTE ON FUNCTION plan_file_key(text)',
         'SELECT ON schema_migrations, clients, check_thresholds',
         'SELECT, INSERT, UPDATE ON projects, prune_state',
         'SELECT, INSERT, UPDATE, DELETE ON imports, import_progress',
         'SELECT, INSERT, DELETE ON project_versions, tasks, dependencies, resources, assignments,'
             ' baselines, baseline_tasks, project_parts, shared_objects, import_results, pruned_versions',
         'SELECT, INSERT, UPDATE, DELETE ON project_locks, version_labels',
         'SELECT, INSERT ON lock_breaks',
         'SELECT ON current_projects, current_tasks, current_dependencies, current_resources,'
             ' current_assignments, current_baselines, current_baseline_tasks, current_project_parts,'
             ' current_checks, current_check_findings'
       ]) AS granted
