-- migrate:up

-- What of the defaults does not fit, table by table: it keeps sizes level and spreads the cleaning. No
-- answer depends on it.

-- A re-import moves the pointers of up to all projects. No index holds what it changes, so that with
-- room on the page the update is a HOT one: no index entry is written, and the next visitor of the
-- page clears the old row away without a vacuum. Half a page lets every project of it move at once.
ALTER TABLE projects SET (fillfactor = 50);

-- One small row for each import, written every two seconds while it runs: HOT as above, and for what
-- is left a vacuum by number, since a share of the history would come ever later.
ALTER TABLE import_progress SET (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000
);

-- Rows that are written once, never changed, and deleted by ranges of the key:
-- - freeze at the first visit, which then is the last: left to the default age, each page is written
--   again later, and all at once when a whole table comes of age;
-- - visit after 5 % of new rows or of pruned ones, rather than 20 %: new rows are visited alone, by
--   the visibility map, and pruned ones leave their room to the next import before the table grows.
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
