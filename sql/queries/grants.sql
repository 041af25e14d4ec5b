-- name: grants
-- What the service does, and no more: clients come and go by whoever migrates, the schema is not the
-- service's to change, and what is written once is never updated. Identity columns want no grant.
SELECT format('GRANT %s TO %I', granted, $1::text)
  FROM unnest(ARRAY[
         'USAGE ON SCHEMA public',
         'SELECT ON schema_migrations, clients',
         'SELECT, INSERT, UPDATE ON projects, imports, import_progress',
         'SELECT, INSERT, DELETE ON project_versions, tasks, dependencies, resources, assignments,'
             ' project_parts, shared_objects, import_results, pruned_versions',
         'SELECT, INSERT, UPDATE, DELETE ON project_locks',
         'SELECT, INSERT ON lock_breaks',
         'SELECT ON current_projects, current_tasks, current_dependencies, current_resources,'
             ' current_assignments, current_project_parts'
       ]) AS granted
