"""A project written as native XML from its rows, so that it can be read again."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from lxml import etree

from service.model import SharedObject
from tests.reading import NATIVE, Row

_XML_ATTRIBUTES = {
    "tasks": {
        "task_id": "id",
        "kind": "kind",
        "parent_id": "parent",
        "wbs": "wbs",
        "milestone": "milestone",
        "summary": "summary",
    },
    "dependencies": {
        "predecessor_id": "predecessor",
        "successor_id": "successor",
        "type": "type",
        "lag": "lag",
    },
    "resources": {"resource_id": "id", "type": "type"},
    "assignments": {"task_id": "task", "resource_id": "resource", "units": "units"},
}
_TAGS = {
    "tasks": "task",
    "dependencies": "dependency",
    "resources": "resource",
    "assignments": "assignment",
}
_INTERVALS = {"duration", "work", "lag"}


def export(
    external_id: str,
    own: Row,
    tables: Mapping[str, Iterable[Row]],
    shared: Iterable[SharedObject] = (),
) -> bytes:
    """One project as a native file.

    Args:
        external_id: its own.
        own: its row in ``project_versions``, as text.
        tables: the rows of its children, as text, by table.
        shared: the shared objects that it takes.
    """
    project = _new("project", id=external_id, source=own["source"] or "")
    for column, value in own.items():
        if value is not None and column not in {"source", "attributes"}:
            project.append(_new(column, text=value))
    project.append(_new("attributes", *_attributes(own["attributes"])))
    for table, tag in _TAGS.items():
        project.append(_new(table, *(_record(table, tag, row) for row in tables[table])))
    parts = _new("parts")
    for row in tables["project_parts"]:
        written = _attributes(row["attributes"])
        parts.append(_new("part", *written, element=row["element"] or ""))
    project.append(parts)
    project.append(_new("shared-objects", *map(_object, shared)))
    return etree.tostring(_new("projects", project), encoding="UTF-8", xml_declaration=True)


def _new(
    tag: str, *children: etree._Element, text: str | None = None, **attributes: str
) -> etree._Element:
    element = etree.Element(f"{{{NATIVE}}}{tag}", attributes)
    element.text = text
    element.extend(children)
    return element


def _record(table: str, tag: str, row: Row) -> etree._Element:
    names = _XML_ATTRIBUTES[table]
    record = _new(tag)
    for column, value in row.items():
        if value is None or column in {"ordinal", "attributes"}:
            continue
        if column in _INTERVALS and "-" in value:
            value = "-" + value.replace("-", "")
        if value in {"t", "f"} and column in {"milestone", "summary"}:
            value = {"t": "true", "f": "false"}[value]
        if column in names:
            record.set(names[column], value)
        else:
            record.append(_new(column.replace("_", "-"), text=value))
    record.append(_new("attributes", *_attributes(row["attributes"])))
    return record


def _object(shared: SharedObject) -> etree._Element:
    written = _new("object", *_attributes(shared.attributes), element=shared.element)
    if shared.object_id is not None:
        written.set("id", shared.object_id)
    return written


def _attributes(members: str | bytes | None) -> Iterable[etree._Element]:
    said: dict[str, Any] = orjson.loads(members or "{}")
    for name, value in said.items():
        if isinstance(value, str):
            yield _new("attribute", text=value, name=name)
        else:
            yield _new("attribute", text=orjson.dumps(value).decode(), name=name, type="json")
