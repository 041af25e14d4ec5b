"""The builder of projects of a format that an operator describes."""

from collections.abc import Callable
from typing import Any

from service.formats.engine.parsed_record import ParsedRecord
from service.formats.project_builder import ProjectBuilder
from service.formats.record_rules import RecordRule
from service.formats.values import ID, NULL, unescape


def builder_for(project: RecordRule, identity: str) -> Callable[..., Any]:
    """Return the class of a format's builders.

    Args:
        project: the rule of its projects.
        identity: the column that identifies a project.
    """
    external_id, name, own = map(project.index, ("external_id", "name", identity))

    class CustomProjectBuilder(ProjectBuilder):
        """A project, whose id can be the value of another column, and its name the id."""

        def identify(self, record: ParsedRecord) -> None:
            """Set the id and the name."""
            columns = record.columns
            if columns[external_id] is NULL and columns[own] is not NULL:
                columns[external_id] = ID.parse(unescape(columns[own]) or "") or NULL
            if columns[name] is NULL:
                columns[name] = columns[external_id]

    return CustomProjectBuilder
