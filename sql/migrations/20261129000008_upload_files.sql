-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

-- An upload has any number of files. Null in imports of earlier releases, in undos, and while an
-- import runs. An import locks this table before that of its outcomes, so the migration does too.
ALTER TABLE imports ADD COLUMN files_read integer, ADD COLUMN files_failed integer;

-- Outcomes name the file that they are about.
ALTER TABLE import_results ADD COLUMN file text;

COMMENT ON COLUMN import_results.file IS
    'Name of the file in the upload; null if the upload does not name it.';
COMMENT ON COLUMN import_results.index IS 'Position of the outcome in the upload, from 0.';
COMMENT ON TABLE import_results IS
    'The outcomes: one row for each project of an upload, and for each file that failed.';
COMMENT ON COLUMN imports.filename IS 'Name of the first file.';
COMMENT ON COLUMN imports.dialect IS
    'Format of the files: `native`, `mspdi`, `p6`, the name of an own format, or `mixed` for several.';
COMMENT ON COLUMN imports.bytes_read IS 'Bytes of the files that were read.';
COMMENT ON COLUMN imports.warnings IS 'Warnings about files and the upload as a whole.';
COMMENT ON COLUMN imports.files_read IS 'Number of files that were read to their end.';
COMMENT ON COLUMN imports.files_failed IS
    'Number of files that could not be read to their end, or have no project.';

-- migrate:down

ALTER TABLE imports DROP COLUMN files_read, DROP COLUMN files_failed;
ALTER TABLE import_results DROP COLUMN file;

COMMENT ON COLUMN import_results.index IS 'Position of the project in the file, from 0.';
COMMENT ON TABLE import_results IS 'The outcomes: one row for each project of an imported file.';
COMMENT ON COLUMN imports.filename IS 'Name of the file.';
COMMENT ON COLUMN imports.dialect IS 'Format of the file: `native`, `mspdi` or `p6`.';
COMMENT ON COLUMN imports.bytes_read IS 'Bytes of the file that were read.';
COMMENT ON COLUMN imports.warnings IS 'Warnings about the file as a whole.';
