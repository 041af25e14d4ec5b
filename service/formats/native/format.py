"""Native XML, namespace ``urn:project-bulk-import:1``; ``schema.xsd`` is its schema.

The format is strict: a bad value, a reference to a missing record, or an element that the schema
does not have refuses the project. The readers accept what the schema accepts. They also check the
references between records and the JSON in attributes, which a schema cannot check.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from service.formats import values
from service.formats.element import Element
from service.formats.engine.parsed_record import ParsedRecord
from service.formats.file_context import FileContext
from service.formats.format import Format
from service.formats.native.mapping import (
    ASSIGNMENT,
    BASELINE,
    BASELINE_TASK,
    DEPENDENCY,
    NAMESPACE,
    PART,
    PROJECT,
    RESOURCE,
    SHARED_OBJECT,
    TASK,
)
from service.formats.project_builder import ProjectBuilder
from service.formats.project_content import TooLarge, shared_object
from service.formats.references import SpooledQueue
from service.formats.values import NULL, unescape
from service.model import SharedObject

_READ_AT: Final = PROJECT.index("read_at")


class NativeProjectBuilder(ProjectBuilder):
    """A ``project`` of native XML, which contains its shared objects."""

    def __init__(self, file: FileContext, element: Element, index: int, line: int) -> None:
        super().__init__(file, element, index, line)
        source = values.WORD.parse(element.get("source") or "")
        if source is not None and source is not NULL:
            self.source = source.decode()
        self._objects = SpooledQueue(file.limits.spool)

    def take_shared_object(self, element: Element) -> None:
        """Take an ``object`` from ``shared-objects``."""
        record = self.read(element, SHARED_OBJECT)
        limit = self.file.limits.max_attributes_bytes
        if len(record.whole) > limit:
            raise TooLarge(f"the attributes of one shared object are over {limit} bytes")
        element_name, object_id = map(unescape, record.columns)
        if element_name is not None:
            shared = shared_object(element_name, object_id, record)
            self.shared.add(shared.hash)
            self._objects.put(shared, len(shared.attributes))

    def new_shared_objects(self) -> Iterable[SharedObject] | None:
        """Return the shared objects that the project contains."""
        return self._objects.drain() if self._objects else None

    def close(self) -> None:
        """Free memory and disk of a project that does not reach its end."""
        super().close()
        self._objects.close()

    def identify(self, record: ParsedRecord) -> None:
        """Set the stored version from which the file was exported."""
        version = record.columns[_READ_AT]
        self.read_at = None if version is NULL else int(version)


FORMAT: Final = Format(
    name="native",
    recognises=lambda namespace, _name: namespace == NAMESPACE,
    namespace=NAMESPACE,
    project=PROJECT,
    strict=True,
    identity=tuple(field for field in PROJECT.fields if field.column == "external_id"),
    records={
        "tasks/task": TASK,
        "dependencies/dependency": DEPENDENCY,
        "resources/resource": RESOURCE,
        "assignments/assignment": ASSIGNMENT,
        "baselines/baseline": BASELINE,
        "baseline-tasks/baseline-task": BASELINE_TASK,
        "parts/part": PART,
        "shared-objects/object": replace(
            SHARED_OBJECT, take=NativeProjectBuilder.take_shared_object
        ),
    },
    builder=NativeProjectBuilder,
)
