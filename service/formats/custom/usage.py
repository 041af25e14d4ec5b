"""How often the columns of a table have a value, and what its rows keep in ``attributes``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from service.formats.values import NULL, unescape
from service.model import shorten
from service.tables import RECORDS, Type

EXAMPLES: Final = 3
"""First different values of a column, and first lines of a fault, that a trial keeps."""
MAX_KINDS: Final = 500
"""Different faults, members of attributes and refused projects that a trial keeps of each."""
_BOOLEANS: Final = {b"t": "true", b"f": "false"}
_FLAGS: Final = frozenset(
    column.name for columns in RECORDS.values() for column in columns if column.type is Type.BOOLEAN
)


@dataclass(slots=True)
class Usage:
    """How often a column or a member of ``attributes`` has a value.

    Attributes:
        count: rows with a value.
        examples: the first different values, shortened.
    """

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, value: str) -> None:
        """Count a value."""
        self.count += 1
        if len(self.examples) < EXAMPLES and (shown := shorten(value)) not in self.examples:
            self.examples.append(shown)


@dataclass(slots=True)
class TableUsage:
    """The rows of one table.

    Attributes:
        rows: number of rows.
        columns: by name, all columns of the table, in its order.
        attributes: by member of ``attributes``, what has no column; of ``parts``, by element.
    """

    rows: int
    columns: dict[str, Usage]
    attributes: dict[str, Usage]

    def add(self, line: bytes) -> None:
        """Count one row of COPY text: the columns, then ``attributes``."""
        *values, attributes = line.split(b"\t")
        self.rows += 1
        for (name, usage), value in zip(self.columns.items(), values, strict=True):
            if value != NULL:
                usage.add(_BOOLEANS[value] if name in _FLAGS else unescape(value) or "")
        if attributes not in (b"{}", NULL):
            for name, content in orjson.loads(unescape(attributes) or "{}").items():
                self._count_member(name, content)

    def add_part(self, line: bytes) -> None:
        """Count one row of ``project_parts`` as a member with the name of its element."""
        element, attributes = line.split(b"\t")
        self.rows += 1
        self._count_member(unescape(element) or "", orjson.loads(unescape(attributes) or "{}"))

    def as_dict(self) -> dict[str, Any]:
        """Return the usage as a document."""
        return {
            "rows": self.rows,
            "columns": _tallies_as_dict(self.columns),
            "attributes": _tallies_as_dict(self.attributes),
        }

    def _count_member(self, name: str, content: object) -> None:
        usage = self.attributes.get(name)
        if usage is None:
            if len(self.attributes) == MAX_KINDS:
                return
            usage = self.attributes[name] = Usage()
        shown = content if isinstance(content, str) else _to_json(content)
        usage.add(shown)


def _to_json(content: object) -> str:
    """Return the beginning of a value as JSON; only of the first item of an array."""
    first = content[0] if isinstance(content, list) else content
    return orjson.dumps(first).decode()


def new_usage(columns: Iterable[str]) -> TableUsage:
    """Return the usage of a table without rows."""
    return TableUsage(0, {name: Usage() for name in columns}, {})


def _tallies_as_dict(usages: Mapping[str, Usage]) -> dict[str, Any]:
    return {
        name: {"count": usage.count, "examples": usage.examples}
        for name, usage in usages.items()
        if usage.count
    }
