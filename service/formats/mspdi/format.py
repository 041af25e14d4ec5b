"""Microsoft Project's XML (MSPDI), as versions 2002 to 2019 write it.

Only a task or resource without an id refuses a project. Otherwise the project gets warnings: a bad
value leaves its column null, and a record that refers to a missing task becomes a part. Blank rows
become parts too.
"""

from typing import Final

from service.codes import WarningCode
from service.formats import values
from service.formats.engine.parsed_record import ParsedRecord
from service.formats.format import Format
from service.formats.mspdi.mapping import (
    ASSIGNMENT,
    EXTERNAL_ID,
    NAME_AS_ID,
    PARTS,
    PROJECT,
    RESOURCE,
    TASK,
)
from service.formats.project_builder import ProjectBuilder
from service.formats.record_rules import KEEP_AS_PART
from service.formats.values import NULL

NAMESPACE: Final = "http://schemas.microsoft.com/project"

_NAME, _TITLE, _EXTERNAL_ID = map(PROJECT.index, ("name", "title", "external_id"))


class MspdiProjectBuilder(ProjectBuilder):
    """A ``Project`` of Microsoft Project. It can lack an id or a name."""

    def identify(self, record: ParsedRecord) -> None:
        """Set the id to the GUID or else the name, and the name to the name, title or id."""
        columns = record.columns
        if columns[_EXTERNAL_ID] is NULL:
            name = values.unescape(columns[_NAME]) or ""
            columns[_EXTERNAL_ID] = NAME_AS_ID.kind.parse(name) or NULL
            self.warn(WarningCode.IDENTITY_FROM_NAME, self.line, NAME_AS_ID.source, name)
        if columns[_NAME] is NULL:
            columns[_NAME] = columns[_EXTERNAL_ID if columns[_TITLE] is NULL else _TITLE]


FORMAT: Final = Format(
    name="mspdi",
    recognises=lambda _namespace, _name: True,
    namespace=NAMESPACE,
    project=PROJECT,
    anywhere=True,
    identity=(EXTERNAL_ID, NAME_AS_ID),
    records={
        "Tasks/Task": TASK,
        "Resources/Resource": RESOURCE,
        "Assignments/Assignment": ASSIGNMENT,
        **dict.fromkeys(PARTS, KEEP_AS_PART),
    },
    builder=MspdiProjectBuilder,
    volatile=frozenset({"CurrentDate", "LastSaved", "SaveVersion"}),
)
