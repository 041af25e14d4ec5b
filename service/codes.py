"""The codes of projects that were not imported, and of warnings, with cause and remedy of each.

``docs/reference/errors`` and the OpenAPI document publish these texts.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why a project was not imported.

    Attributes:
        status: HTTP status that describes the error.
        retryable: whether the same file can succeed later.
        cause: what happened; it is published, as is ``remedy``.
        remedy: what the caller can do.
        of_file: whether it concerns a file of the upload, not a project.
    """

    status: int
    retryable: bool
    cause: str
    remedy: str
    of_file: bool

    def __new__(
        cls,
        value: str,
        status: int,
        retryable: bool,
        cause: str,
        remedy: str,
        of_file: bool = False,
    ) -> "ErrorCode":
        code = str.__new__(cls, value)
        code._value_ = value
        code.status = status
        code.retryable = retryable
        code.cause = cause
        code.remedy = remedy
        code.of_file = of_file
        return code

    VALIDATION_ERROR = (
        "VALIDATION_ERROR",
        400,
        False,
        "The project breaks the rules of its format. `violations` lists up to 20 faults, each with "
        "its line, element and value.",
        "Correct the listed elements.",
    )
    DUPLICATE_PROJECT = (
        "DUPLICATE_PROJECT",
        400,
        False,
        "An earlier project of the upload has the same id: in `first_file`, at `first_line`. The "
        "first one is imported.",
        "Keep one of the two projects.",
    )
    PROJECT_TOO_LARGE = (
        "PROJECT_TOO_LARGE",
        413,
        False,
        "The project, the attributes of one of its records, or its working files exceed a limit. "
        "`message` names the limit.",
        "Split the project, or raise `BULK_IMPORT_MAX_PROJECT_BYTES`, "
        "`BULK_IMPORT_MAX_ATTRIBUTES_BYTES` or `BULK_IMPORT_IMPORT_SPOOL_BYTES`.",
    )
    LOCKING_CONFLICT = (
        "LOCKING_CONFLICT",
        409,
        True,
        "Another user holds a lock on the project (`locked_by`, `locked_until`), or another import "
        "is writing it.",
        "Import the project again after the lock has ended.",
    )
    VERSION_CONFLICT = (
        "VERSION_CONFLICT",
        409,
        False,
        "The file was made from version `expected_version` of the project, but the server has "
        "`current_version`.",
        "Read the current version and repeat the change in it. To overwrite the project instead, "
        "remove `version` from the file.",
    )
    STORED_IS_NEWER = (
        "STORED_IS_NEWER",
        409,
        False,
        "The import has `if_newer=true`, and the file is older than the stored version: `dated_by` "
        "names the date that differs, `file_date` and `stored_date` are the two dates.",
        "Export the project again. To overwrite the newer version, omit `if_newer`.",
    )
    ALREADY_EXISTS = (
        "ALREADY_EXISTS",
        409,
        False,
        "The import has `mode=create`, and the server already has the project, active or archived.",
        "Omit `mode` to update the project.",
    )
    NOT_IMPORTED = (
        "NOT_IMPORTED",
        409,
        True,
        "The import has `atomic=true`, and another of its projects or files failed. Or an undo "
        "needs a version that is no longer kept; `retryable` is then false.",
        "Correct the project that failed, and send the file again.",
    )
    UNKNOWN_PROJECT = (
        "UNKNOWN_PROJECT",
        404,
        False,
        "The import has `mode=update`, and the server does not have the project.",
        "Omit `mode` to create the project.",
    )
    MALFORMED_XML = (
        "MALFORMED_XML",
        400,
        False,
        "A file, or the gzip or ZIP around it, breaks off at this line and column. The projects "
        "before this place were processed, and nothing of the file after it was read. Of an XER "
        "file, nothing is imported.",
        "Repair the file and send it again.",
        True,
    )
    UNSUPPORTED_FILE = (
        "UNSUPPORTED_FILE",
        400,
        False,
        "A file of the upload is neither XML nor XER, has a format that is not supported, or has "
        "no project.",
        "Export the plan as XML, or from P6 as XER. `message` says what the file is.",
        True,
    )
    FILE_TOO_LARGE = (
        "FILE_TOO_LARGE",
        413,
        False,
        "A file exceeds a limit at this line. The projects before it were processed; nothing of "
        "the file after it was read.",
        "Split the file, or raise the limit that `message` names.",
        True,
    )
    INTERNAL_ERROR = (
        "INTERNAL_ERROR",
        500,
        True,
        "The service failed to process this one project.",
        "Report the request id.",
    )


class WarningCode(StrEnum):
    """What was set aside or noticed in an imported project, or in the upload as a whole.

    Attributes:
        cause: what happened; it is published, as is ``remedy``.
        remedy: what the caller can do.
        of_upload: whether it concerns the upload as a whole.
    """

    cause: str
    remedy: str
    of_upload: bool

    def __new__(cls, value: str, cause: str, remedy: str, of_upload: bool = False) -> "WarningCode":
        code = str.__new__(cls, value)
        code._value_ = value
        code.cause = cause
        code.remedy = remedy
        code.of_upload = of_upload
        return code

    BAD_VALUE = (
        "BAD_VALUE",
        "A date, number or similar value cannot be read. Its column is empty, and `attributes` has "
        "the text.",
        "Correct the value in the planning tool if the column matters.",
    )
    LINK_END_MISSING = (
        "LINK_END_MISSING",
        "A dependency names a task that is not in the project. It is kept as a part of the "
        "project.",
        "Nothing, if the dependency leads to another project.",
    )
    ASSIGNMENT_TASK_MISSING = (
        "ASSIGNMENT_TASK_MISSING",
        "An assignment names a task that is not in the project. It is kept as a part of the "
        "project.",
        "Check the filter of the export.",
    )
    RESOURCE_MISSING = (
        "RESOURCE_MISSING",
        "An assignment names a resource that is not in the file. It is stored unchanged.",
        "Export the resources as well.",
    )
    IDENTITY_FROM_NAME = (
        "IDENTITY_FROM_NAME",
        "A Microsoft Project plan has no GUID, so its `Name` identifies it. Two plans with the "
        "same name are one project.",
        "Save the plan with a newer version of Microsoft Project, which writes a GUID.",
    )
    FINISH_BEFORE_START = (
        "FINISH_BEFORE_START",
        "A finish is before its start. Both are stored unchanged.",
        "Check the dates.",
    )
    DIALECT_CHANGED = (
        "DIALECT_CHANGED",
        "The project was last imported from another format.",
        "Make sure that two systems do not overwrite each other's changes.",
    )
    AGE_UNKNOWN = (
        "AGE_UNKNOWN",
        "The import has `if_newer=true`, but the file and the stored version have no date in "
        "common, or are of different formats. The project was imported.",
        "Check that no newer plan was overwritten. Native files are protected by `version`.",
    )
    BASELINE_PROJECTS_SKIPPED = (
        "BASELINE_PROJECTS_SKIPPED",
        "The file has Primavera baselines whose project is not in the file, or too far from them "
        "in it. They are not imported.",
        "Export a baseline together with its project, and fewer projects in one file.",
        True,
    )
    LOOSE_RECORDS_SKIPPED = (
        "LOOSE_RECORDS_SKIPPED",
        "The file has records outside every project, which are not imported.",
        "Export whole projects.",
        True,
    )
    SHARED_OBJECTS_UNUSED = (
        "SHARED_OBJECTS_UNUSED",
        "The file has calendars, resources or other objects that no project refers to. They are "
        "not stored.",
        "Nothing.",
        True,
    )
    SHARED_OBJECTS_AMBIGUOUS = (
        "SHARED_OBJECTS_AMBIGUOUS",
        "Two different shared objects have the same `ObjectId`. A project that refers to it gets "
        "both.",
        "Check the export.",
        True,
    )
    ENCODING_ASSUMED = (
        "ENCODING_ASSUMED",
        "An XER file is not UTF-8, and its part names no encoding. It was read as windows-1252.",
        "If letters look wrong, send the file again and name its encoding: on the page, with "
        "`--charset` of the command, or as the `charset` of its part.",
        True,
    )
    ROWS_IRREGULAR = (
        "ROWS_IRREGULAR",
        "Rows of an XER file have more cells than their table has columns, or lines belong to no "
        "row. The further cells are the member `#text` of `attributes`; the lines are not stored.",
        "Export the file again, or check the program that wrote it.",
        True,
    )
    TABLES_SKIPPED = (
        "TABLES_SKIPPED",
        "An XER file has tables that are no part of a plan: `POBS`, `RISKTYPE`, and unknown ones "
        "without a column `proj_id`. Their rows are not stored.",
        "Nothing.",
        True,
    )
    CELLS_UNREADABLE = (
        "CELLS_UNREADABLE",
        "Cells of an XER file that hold a calendar or the like cannot be read. They are stored as "
        "text.",
        "Check the calendars in P6, and export the file again.",
        True,
    )
    MORE_WARNINGS = (
        "MORE_WARNINGS",
        "The files of the upload have more warnings than an import lists. `count` is their number.",
        "Correct what the listed warnings name, and send the files again.",
        True,
    )
    NOTES_SHORTENED = (
        "NOTES_SHORTENED",
        "The notes follow the file and are too long. They were shortened.",
        "Send shorter notes.",
        True,
    )
    PART_IGNORED = (
        "PART_IGNORED",
        "A part of the request cannot be used: its field is not known, or it follows the first "
        "file and has a fault.",
        "See `message`.",
        True,
    )
    UPLOAD_CUT_SHORT = (
        "UPLOAD_CUT_SHORT",
        "The upload ended without its closing boundary, or the checksum of a gzip request is wrong "
        "or missing. The files before that place are complete, and files after it may be missing.",
        "Check the client, and any proxy between it and the service.",
        True,
    )
