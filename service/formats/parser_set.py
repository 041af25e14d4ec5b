"""The parsers of a format, which the files of an upload share one after another.

To create them takes several times as long as to read a small file.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from service.formats.encoding import PrologMemory
from service.formats.engine.interface import Engine, RecordParser
from service.formats.format import Format
from service.formats.json_attributes import TagKeys
from service.formats.limits import Limits
from service.formats.record_rules import RecordRule, compile_rule

_MAX_NAMES: Final = 1_000
"""Distinct names after which the parsers are not used again: each file may add others."""
_MAX_SETS: Final = 3
"""Sets that are kept, each of about 2 MB: files of several formats may alternate."""


class ParserSet:
    """The parsers of the files of one format and namespace.

    Args:
        file_format: the format.
        namespace: of the format's elements; empty for none.
        engine: reads the files.
        limits: bounds of a file.
        formats: those from which a native file can come.
        give_way: as ``FileContext.give_way``.

    Attributes:
        format, namespace: see above.
        keys: keys of tags, one for each name that the files have used so far.
        xml: the engine's XML parser; see ``Engine.xml_parser``.
        rule_tables: of the compiled engine.
    """

    def __init__(
        self,
        file_format: Format,
        namespace: str,
        engine: Engine,
        limits: Limits,
        formats: Iterable[Format],
        give_way: Callable[[], None],
    ) -> None:
        self.format = file_format
        self.namespace = namespace
        self.keys = TagKeys(namespace, limits.max_tag_names, give_way)
        self.xml = engine.xml_parser()
        self.rule_tables: dict[Any, Any] = {}
        self._engine = engine
        self._formats = {each.name: each for each in formats}
        self._parsers: dict[tuple[RecordRule, str], RecordParser] = {}
        self._max_names = min(_MAX_NAMES, limits.max_tag_names // 8)

    @property
    def reusable(self) -> bool:
        """Whether another file may be read, after one that was read to its end."""
        return len(self.keys) <= self._max_names and (self.xml is None or self.xml.reusable)

    def volatile(self, source: str) -> frozenset[str]:
        """Return the members that change at every save, for projects of the format ``source``."""
        return self._formats[source].volatile if source in self._formats else frozenset()

    def dated_by(self, source: str) -> tuple[str, ...]:
        """Return ``Format.dated_by`` of the format ``source``."""
        return self._formats[source].dated_by if source in self._formats else ()

    def record_parser(self, rule: RecordRule, source: str) -> RecordParser:
        """Return the parser of a rule's records. There is one, whatever sources a file names."""
        source = source if source in self._formats else ""
        parser = self._parsers.get((rule, source))
        if parser is None:
            strict, volatile = self.format.strict, self.volatile(source)
            shape = compile_rule(rule, self.keys, self.namespace, volatile, strict=strict)
            parser = self._parsers[rule, source] = self._engine.record_parser(shape)
        return parser


class ParserCache:
    """The parser sets of the files that one thread reads one after another.

    Attributes:
        prologs: remembers how files begin.
    """

    def __init__(self) -> None:
        self.prologs = PrologMemory()
        self._sets: dict[tuple[Format, str], ParserSet] = {}

    def take(
        self,
        file_format: Format,
        namespace: str,
        make: Callable[[], ParserSet],
        give_way: Callable[[], None],
    ) -> ParserSet:
        """Return parsers for a file. Nobody else gets them until they are given back.

        Args:
            make: creates them.
            give_way: called while the file is read; as ``FileContext.give_way``.
        """
        parsers = self._sets.pop((file_format, namespace), None)
        if parsers is None:
            return make()
        parsers.keys.begin_file(give_way)
        return parsers

    def give_back(self, parsers: ParserSet) -> None:
        """Keep the parsers of a file that was read to its end without a fault."""
        if parsers.reusable:
            if len(self._sets) == _MAX_SETS:
                del self._sets[next(iter(self._sets))]
            self._sets[parsers.format, parsers.namespace] = parsers
