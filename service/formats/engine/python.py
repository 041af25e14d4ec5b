"""The engine in Python, on lxml's ``iterparse``: for platforms without a C compiler, and for tests.

It is the reference: the compiled engine passes every rare case to its functions.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, cast

from lxml import etree

from service.formats.element import Element
from service.formats.encoding import ByteSource
from service.formats.engine.interface import Engine, Events, IdSet, RecordParser
from service.formats.engine.parsed_record import Shape
from service.formats.engine.record_collector import PythonRecordCollector
from service.formats.engine.record_parser import parse_record
from service.spool.disk_set import DiskSet


def _events(source: ByteSource, tags: list[str], encoding: str, _max_names: int) -> Events:
    """Parse with lxml's parser. It keeps every name, so it does not bound their number."""
    events = etree.iterparse(
        source,
        events=("start", "end"),
        tag=tags,
        encoding=encoding,
        collect_ids=False,
        resolve_entities="internal",  # none is declared; with False, lxml would hide its use
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    return cast(Events, events)


def _record_parser(shape: Shape) -> RecordParser:
    parser: Callable[[Element], object] = partial(parse_record, shape=shape)
    return cast(RecordParser, parser)


def _id_set(larger: Callable[[], DiskSet]) -> IdSet:
    return larger()


PYTHON: Final = Engine("python", _events, _record_parser, PythonRecordCollector, _id_set)
