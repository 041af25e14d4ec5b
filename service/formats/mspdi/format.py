"""Microsoft Project's XML (MSPDI), as versions 2002 to 2019 write it.

Only a task or resource without an id refuses a project. Otherwise the project gets warnings: a bad
value leaves its column null, and a record that refers to a missing task becomes a part. Blank rows
become parts too.
"""

from dataclasses import replace
from typing import Final

from service.codes import WarningCode
from service.formats import values
from service.formats.engine.parsed_record import ParsedRecord
from service.formats.format import Format
from service.formats.mspdi.mapping import (
    ASSIGNMENT,
    BASELINE,
    EXTERNAL_ID,
    NAME_AS_ID,
    PARTS,
    PROJECT,
    RESOURCE,
    TASK,
)
from service.formats.project_builder import ProjectBuilder
from service.formats.record_rules import KEEP_AS_PART, NestedRule, ReferenceRule, Settle
from service.formats.references import Row
from service.formats.values import NULL
from service.tables import Table

NAMESPACE: Final = "http://schemas.microsoft.com/project"

_BASELINE: Final = "baseline"
"""Kind of the numbers of baselines that have a row."""

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

    def supply_baseline(self, number: bytes) -> Row | None:
        """Return the row of a baseline when its number occurs first.

        Microsoft Project numbers baselines from 0 to 10, and calls the first one ``Baseline``. It
        compares the plan with that one.
        """
        if number is NULL:
            return None
        self.references.register(_BASELINE.encode() + number)
        first = number == b"0"
        name = b"Baseline" if first else b"Baseline " + number
        text = b"\t".join((number, name, NULL, b"t" if first else b"f", b"{}"))
        return Row(Table.BASELINES, text, text)


_TASK: Final = replace(
    TASK,
    apart=(*TASK.apart, BASELINE.name),
    nested=(
        *TASK.nested,
        NestedRule(
            replace(
                BASELINE,
                references=(
                    # Without a number, it is stored as a part.
                    ReferenceRule(
                        ("number",),
                        (_BASELINE,),
                        required=True,
                        supply=MspdiProjectBuilder.supply_baseline,
                        fallback=KEEP_AS_PART,
                        settle=Settle.AT_ONCE,
                    ),
                ),
            ),
            owner="task_id",
            owner_member="TaskUID",
        ),
    ),
)


FORMAT: Final = Format(
    name="mspdi",
    recognises=lambda _namespace, _name: True,
    namespace=NAMESPACE,
    project=PROJECT,
    anywhere=True,
    identity=(EXTERNAL_ID, NAME_AS_ID),
    records={
        "Tasks/Task": _TASK,
        "Resources/Resource": RESOURCE,
        "Assignments/Assignment": ASSIGNMENT,
        **dict.fromkeys(PARTS, KEEP_AS_PART),
    },
    builder=MspdiProjectBuilder,
    volatile=frozenset({"CurrentDate", "LastSaved", "SaveVersion"}),
    dated_by=("LastSaved",),
)
