-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

COMMENT ON COLUMN imports.dialect IS
    'Format of the files: `native`, `mspdi`, `p6`, `xer`, the name of an own format, or `mixed` for several.';
COMMENT ON COLUMN report.imports.format IS
    'Format of the files: `native`, `mspdi`, `p6`, `xer`, the name of an own format, or `mixed` for several.';

-- migrate:down

SET LOCAL lock_timeout = '5s';

COMMENT ON COLUMN imports.dialect IS
    'Format of the files: `native`, `mspdi`, `p6`, the name of an own format, or `mixed` for several.';
COMMENT ON COLUMN report.imports.format IS
    'Format of the file: `native`, `mspdi`, `p6`, or the name of an own format.';
