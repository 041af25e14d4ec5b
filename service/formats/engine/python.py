"""The engine in Python, on lxml's parser: for platforms without a C compiler, and for tests.

It is the reference: the compiled engine passes every rare case to its functions.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, cast

from lxml import etree

from service.errors import FileRefused, FileTooLarge
from service.formats.element import Element
from service.formats.encoding import ByteSource
from service.formats.engine.interface import Engine, Events, IdSet, RecordParser
from service.formats.engine.parsed_record import Shape
from service.formats.engine.parser_errors import (
    MAX_ATTRIBUTES,
    MAX_NAME,
    long_name,
    too_many_attributes,
)
from service.formats.engine.record_collector import PythonRecordCollector, size_of
from service.formats.engine.record_parser import parse_record
from service.formats.engine.row_events import row_events
from service.formats.json_attributes import TagKeys, local
from service.spool.disk_set import DiskSet

_CHUNK: Final = 64 * 1024


def _events(
    source: ByteSource,
    tags: list[str],
    encoding: str,
    max_names: int,
    _collector: object = None,
    _xml_parser: None = None,
) -> Events:
    """Parse with lxml's parser, and check the names of each start tag.

    Raises:
        XMLSyntaxError: after the events before the fault.
        FileRefused: likewise: an element has too many XML attributes.
        FileTooLarge: likewise: the names are too many, or too long.
    """
    wanted = frozenset(tags)
    names = TagKeys("", max_names)
    long_namespace = False
    for event, found in _all_events(source, encoding):
        if event == "start-ns":
            long_namespace |= any(map(_is_long, found))
            continue
        if event == "start":
            try:
                _check_names(found, names, long_namespace)
            except (FileRefused, FileTooLarge):
                _cut_off(found)
                raise
        if found.tag in wanted:
            yield event, found


def _all_events(source: ByteSource, encoding: str) -> Iterator[tuple[str, Any]]:
    parser = etree.XMLPullParser(
        events=("start", "end", "start-ns"),
        encoding=encoding,
        collect_ids=False,  # ``iterparse`` would ignore it, and refuse ids that are not unique
        resolve_entities=cast(
            bool, "internal"
        ),  # none is declared; with False, lxml would hide its use
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    data, fault = b"-", None
    while data and fault is None:
        data = source.read(_CHUNK)
        try:
            if data:
                parser.feed(data)
            else:
                parser.close()
        except etree.XMLSyntaxError as error:
            fault = error
        yield from cast(Iterator[tuple[str, Any]], parser.read_events())
    if fault is not None:
        raise fault


def _check_names(element: Element, names: TagKeys, long_namespace: bool) -> None:
    attributes = element.keys()
    if len(attributes) > MAX_ATTRIBUTES:
        raise too_many_attributes(element.sourceline)
    if long_namespace:
        raise long_name(element.sourceline)
    for name in (element.tag, *attributes):
        if name not in names:
            # A prefix that is not declared is a fault at the end of the file.
            if _is_long(local(name).rpartition(":")[2]):
                raise long_name(element.sourceline)
            names[name]


def _is_long(name: str) -> bool:
    return len(name.encode()) > MAX_NAME


def _cut_off(element: Any) -> None:
    """Remove an element and all after it: the tree then ends where the compiled engine's does."""
    parent = element.getparent()
    if parent is not None:
        del parent[parent.index(element) :]
    while (inner := parent) is not None and (parent := inner.getparent()) is not None:
        del parent[parent.index(inner) + 1 :]
        inner.tail = None


def _record_parser(shape: Shape) -> RecordParser:
    parser: Callable[[Element], object] = partial(parse_record, shape=shape)
    return cast(RecordParser, parser)


def _id_set(larger: Callable[[], DiskSet]) -> IdSet:
    return larger()


PYTHON: Final = Engine(
    "python",
    _events,
    row_events,
    lambda: None,
    _record_parser,
    PythonRecordCollector,
    _id_set,
    size_of,
)
