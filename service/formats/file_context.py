"""What the projects of one file have in common while it is read."""

from service.formats.engine import parsers
from service.formats.engine.parsers import RecordParser
from service.formats.json_attributes import TagKeys
from service.formats.limits import Limits
from service.formats.record_maps import RecordMap, compile_map
from service.model import FileWarning, Item


class FileContext:
    """One file in one dialect. A dialect may derive from it to keep what is outside the projects.

    Attributes:
        limits: bounds to keep.
        namespace: of the dialect's elements; empty for none.
        names: keys of tags, one for each name that was met.
        outbox: items for whoever iterates over the reader, in order.
        warnings: what is noticed in the file as a whole.

    Args:
        limits: see above.
        namespace: see above.
        volatile_of: by dialect, the members that a content hash leaves out.
    """

    def __init__(
        self, limits: Limits, namespace: str, volatile_of: dict[str, frozenset[str]]
    ) -> None:
        self.limits = limits
        self.namespace = namespace
        self.names = TagKeys(namespace)
        self.outbox: list[Item] = []
        self.warnings: list[FileWarning] = []
        self._volatile_of = volatile_of
        self._walks: dict[tuple[RecordMap, frozenset[str], bool], RecordParser] = {}

    def volatile(self, source: str) -> frozenset[str]:
        """Members that change at every save in what came from the dialect ``source``."""
        return self._volatile_of.get(source, frozenset())

    def walk(self, record: RecordMap, source: str, *, strict: bool) -> RecordParser:
        """The walk over records of a map, made once a file, however many sources it names."""
        volatile = self.volatile(source)
        key = (record, volatile, strict)
        walk = self._walks.get(key)
        if walk is None:
            shape = compile_map(record, self.names, self.namespace, volatile, strict=strict)
            walk = self._walks[key] = parsers.parser_for(shape)
        return walk

    def finish(self) -> None:
        """Say what is left to say, once the root was closed."""

    def close(self) -> None:
        """Give back memory and disk; called once, wherever the reading ended."""
