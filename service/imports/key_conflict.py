"""Why an upload or an undo gets 409 before its import begins or continues."""

from typing import Any, Final

IN_PROGRESS: Final = "Import in progress"


class KeyConflict(Exception):
    """An import holds the key, and the upload can neither continue nor repeat it.

    Args:
        import_id: that import.
        details: the reason, for the uploader.
        fields: further members of the answer.
    """

    def __init__(self, import_id: int, details: str, **fields: Any) -> None:
        super().__init__(details)
        self.import_id = import_id
        self.details = details
        self.fields = fields


class ImportInProgress(KeyConflict):
    """Another import is running under the same key; or it is undone by this one, or undoes it.

    Args:
        import_id: the other import.
    """

    def __init__(self, import_id: int) -> None:
        super().__init__(import_id, IN_PROGRESS)
