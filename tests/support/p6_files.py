"""Primavera files for tests, made of records, and what the reader makes of them."""

import json

from service.codes import WarningCode
from service.model import Project
from service.tables import Table
from tests.support.reading import Reading, Row, read_project, rows

P6 = "http://xmlns.oracle.com/Primavera/P6/V25.12/API/BusinessObjects"
CALENDAR = "<Calendar><ObjectId>3</ObjectId><Name>Day</Name></Calendar>"
CREW = (
    "<Resource><ObjectId>7</ObjectId><Name>Crew</Name><ResourceType>Labor</ResourceType>"
    "<EmailAddress>crew@example.org</EmailAddress><CalendarObjectId>3</CalendarObjectId></Resource>"
)


def file(*content: str, namespace: str = P6) -> str:
    xmlns = f' xmlns="{namespace}"' if namespace else ""
    return f"<APIBusinessObjects{xmlns}>{''.join(content)}</APIBusinessObjects>"


def project(*content: str, id: str = "P-1") -> str:
    return f"<Project><Id>{id}</Id><Name>Plant</Name>{''.join(content)}</Project>"


def record(element: str, **fields: object) -> str:
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    return f"<{element}>{inside}</{element}>"


def wbs(object_id: int, **fields: object) -> str:
    return record("WBS", ObjectId=object_id, **fields)


def activity(object_id: int, **fields: object) -> str:
    return record("Activity", ObjectId=object_id, **fields)


def landed(*content: str, shared: str = "") -> Project:
    return read_project(file(shared, project(*content)))


def task(*content: str) -> Row:
    [row] = rows(landed(*content), Table.TASKS)
    return row


def attributes(row: Row) -> dict[str, object]:
    loaded = json.loads(row["attributes"] or "")
    assert isinstance(loaded, dict)
    return loaded


def told(project: Project) -> list[tuple[WarningCode, str, str | None]]:
    return [(notice.code, notice.element, notice.value) for notice in project.warnings.first]


def shared_ids(reading: Reading) -> list[tuple[str, str | None]]:
    return [(one.element, one.object_id) for item in reading.shared for one in item.objects]
