"""The data that the projects of one file share while the file is read."""

from collections.abc import Callable, Iterable
from functools import partial

from service.formats.engine.interface import Engine, IdSet, RecordParser
from service.formats.format import Format
from service.formats.json_attributes import TagKeys
from service.formats.limits import Limits
from service.formats.record_rules import RecordRule, compile_rule
from service.model import FileWarning, Item
from service.spool.disk_set import DiskSet


class FileContext:
    """One file. A format can derive from it to keep records outside the projects.

    Attributes:
        format: of the file.
        limits: bounds of the file.
        namespace: of the format's elements; empty for none.
        engine: reads the file.
        give_way: lets other imports parse first if this one has parsed for a while. Call it between
            the steps of a loop that can take more than some milliseconds. It raises nothing.
        keys: keys of tags, one for each name that the file has used so far.
        warnings: about the file as a whole.
        external_id: index of the column in a project's record.

    Args:
        file_format: see above.
        limits: see above.
        namespace: see above.
        engine: see above.
        volatile_of: by name of a format, the members that a content hash excludes.
        give_way: see above.
    """

    def __init__(
        self,
        file_format: Format,
        limits: Limits,
        namespace: str,
        engine: Engine,
        volatile_of: dict[str, frozenset[str]],
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self.format = file_format
        self.limits = limits
        self.namespace = namespace
        self.engine = engine
        self.give_way = give_way
        self.keys = TagKeys(namespace, limits.max_tag_names, give_way)
        self.warnings: list[FileWarning] = []
        self._volatile_of = volatile_of
        self.external_id = file_format.project.index("external_id")
        self._parsers: dict[tuple[RecordRule, str], RecordParser] = {}
        self._larger_id_set = partial(DiskSet, limits.spool)

    @property
    def tag(self) -> str:
        """A template: ``context.tag % name`` is the tag of a local name."""
        return f"{{{self.namespace}}}%s" if self.namespace else "%s"

    def volatile(self, source: str) -> frozenset[str]:
        """Return the members that change at every save, for projects of the format ``source``."""
        return self._volatile_of.get(source, frozenset())

    def record_parser(self, rule: RecordRule, source: str) -> RecordParser:
        """Return the parser of a rule's records. One file has one, whatever sources it names."""
        source = source if source in self._volatile_of else ""
        parser = self._parsers.get((rule, source))
        if parser is None:
            strict, volatile = self.format.strict, self.volatile(source)
            shape = compile_rule(rule, self.keys, self.namespace, volatile, strict=strict)
            parser = self._parsers[rule, source] = self.engine.record_parser(shape)
        return parser

    def id_set(self) -> IdSet:
        """Return an empty id set."""
        return self.engine.id_set(self._larger_id_set)

    def release(self) -> Iterable[Item]:
        """Return the items that were held back, because no more of the file is read."""
        return ()

    def mark(self) -> None:
        """Remember the counts of the warnings, at the start of a project."""

    def rewind(self) -> None:
        """Return to the counts of the last mark, because the file exceeds a limit after it."""

    def finish(self) -> None:
        """Add the warnings that are known only after the root has ended."""

    def close(self) -> None:
        """Free memory and disk. The reader calls it once, however the reading ends."""
