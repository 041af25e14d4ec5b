"""What the projects of one file have in common while it is read."""

from service.model import FileWarning, Item
from service.xml.limits import Limits
from service.xml.maps import RecordMap, compile_map
from service.xml.rulej import Names
from service.xml.walk import Shape


class File:
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
        self.names = Names(namespace)
        self.outbox: list[Item] = []
        self.warnings: list[FileWarning] = []
        self._volatile_of = volatile_of
        self._shapes: dict[tuple[RecordMap, str, bool], Shape] = {}

    def volatile(self, source: str) -> frozenset[str]:
        """Members that change at every save in what came from the dialect ``source``."""
        return self._volatile_of.get(source, frozenset())

    def shape(self, record: RecordMap, source: str, *, strict: bool) -> Shape:
        """A map ready for the walk, made once a file."""
        key = (record, source, strict)
        shape = self._shapes.get(key)
        if shape is None:
            shape = compile_map(
                record, self.names, self.namespace, self.volatile(source), strict=strict
            )
            self._shapes[key] = shape
        return shape

    def finish(self) -> None:
        """Say what is left to say, once the root was closed."""

    def close(self) -> None:
        """Give back memory and disk; called once, wherever the reading ended."""
