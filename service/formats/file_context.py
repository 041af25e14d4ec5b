"""What the projects of one file share while it is read."""

from service.formats.engine.interface import Engine, RecordParser
from service.formats.format import Format
from service.formats.json_attributes import TagKeys
from service.formats.limits import Limits
from service.formats.record_rules import RecordRule, compile_rule
from service.model import FileWarning


class FileContext:
    """One file. A format may derive from it to keep what is outside the projects.

    Attributes:
        format: of the file.
        limits: bounds to keep.
        namespace: of the format's elements; empty for none.
        engine: reads the file.
        keys: keys of tags, one for each name that was met.
        warnings: about the file as a whole.

    Args:
        file_format: see above.
        limits: see above.
        namespace: see above.
        engine: see above.
        volatile_of: by name of a format, the members that a content hash leaves out.
    """

    def __init__(
        self,
        file_format: Format,
        limits: Limits,
        namespace: str,
        engine: Engine,
        volatile_of: dict[str, frozenset[str]],
    ) -> None:
        self.format = file_format
        self.limits = limits
        self.namespace = namespace
        self.engine = engine
        self.keys = TagKeys(namespace)
        self.warnings: list[FileWarning] = []
        self._volatile_of = volatile_of
        self._parsers: dict[tuple[RecordRule, frozenset[str]], RecordParser] = {}

    @property
    def tag(self) -> str:
        """Makes a tag of a local name by ``%``."""
        return f"{{{self.namespace}}}%s" if self.namespace else "%s"

    def volatile(self, source: str) -> frozenset[str]:
        """Members that change at every save in projects that come from the format ``source``."""
        return self._volatile_of.get(source, frozenset())

    def record_parser(self, rule: RecordRule, source: str) -> RecordParser:
        """Return the parser of a rule's records, made once a file however many sources it names."""
        volatile = self.volatile(source)
        parser = self._parsers.get((rule, volatile))
        if parser is None:
            strict = self.format.strict
            shape = compile_rule(rule, self.keys, self.namespace, volatile, strict=strict)
            parser = self._parsers[rule, volatile] = self.engine.record_parser(shape)
        return parser

    def finish(self) -> None:
        """Add the warnings that are known at the end, after the root was closed."""

    def close(self) -> None:
        """Free memory and disk. Called once, wherever the reading ended."""
