-- migrate:up

-- Storage parameters where the defaults do not fit. They keep the sizes of the tables stable and spread
-- the work of vacuum. No response depends on them.

-- A re-import moves the pointers of up to all projects. No index contains the changed columns. So an
-- update is a HOT update if the page has room: it writes no index entry, and the next access to the
-- page removes the old row without vacuum. Half a page is enough for all projects of the page to move
-- at once.
ALTER TABLE projects SET (fillfactor = 50);

-- One small row for each import, updated every two seconds while the import runs. The updates are HOT
-- as above. The threshold for vacuum is a number of rows, because a share of the growing history would
-- be reached later and later.
ALTER TABLE import_progress SET (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000
);

-- Rows that are written once, never changed, and deleted by ranges of the key:
-- - Freeze them at the first vacuum, which then is the last one. With the default age, each page would
--   be written again later, and all pages of a table at the same time.
-- - Vacuum after 5 % new or pruned rows instead of 20 %. For new rows, vacuum reads only their pages,
--   by the visibility map. The space of pruned rows is reused before the table grows.
ALTER TABLE project_versions SET (
    autovacuum_freeze_min_age = 0,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_scale_factor = 0.05
);
ALTER TABLE tasks SET (
    autovacuum_freeze_min_age = 0,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_scale_factor = 0.05
);
ALTER TABLE dependencies SET (
    autovacuum_freeze_min_age = 0,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_scale_factor = 0.05
);
ALTER TABLE resources SET (
    autovacuum_freeze_min_age = 0,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_scale_factor = 0.05
);
ALTER TABLE assignments SET (
    autovacuum_freeze_min_age = 0,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_scale_factor = 0.05
);
ALTER TABLE project_parts SET (
    autovacuum_freeze_min_age = 0,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_scale_factor = 0.05
);
ALTER TABLE import_results SET (
    autovacuum_freeze_min_age = 0,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_scale_factor = 0.05
);

-- migrate:down

ALTER TABLE import_results RESET (
    autovacuum_freeze_min_age,
    autovacuum_vacuum_insert_scale_factor,
    autovacuum_vacuum_scale_factor
);
ALTER TABLE project_parts RESET (
    autovacuum_freeze_min_age,
    autovacuum_vacuum_insert_scale_factor,
    autovacuum_vacuum_scale_factor
);
ALTER TABLE assignments RESET (
    autovacuum_freeze_min_age,
    autovacuum_vacuum_insert_scale_factor,
    autovacuum_vacuum_scale_factor
);
ALTER TABLE resources RESET (
    autovacuum_freeze_min_age,
    autovacuum_vacuum_insert_scale_factor,
    autovacuum_vacuum_scale_factor
);
ALTER TABLE dependencies RESET (
    autovacuum_freeze_min_age,
    autovacuum_vacuum_insert_scale_factor,
    autovacuum_vacuum_scale_factor
);
ALTER TABLE tasks RESET (
    autovacuum_freeze_min_age,
    autovacuum_vacuum_insert_scale_factor,
    autovacuum_vacuum_scale_factor
);
ALTER TABLE project_versions RESET (
    autovacuum_freeze_min_age,
    autovacuum_vacuum_insert_scale_factor,
    autovacuum_vacuum_scale_factor
);
ALTER TABLE import_progress RESET (
    fillfactor,
    autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_threshold
);
ALTER TABLE projects RESET (fillfactor);
