"""Which walk there is: the compiled one where it could be built, else the one in Python."""

from collections.abc import Callable
from functools import partial

from service.formats.element import Element
from service.formats.engine.record_parser import ParsedRecord, Shape, parse_record

RecordParser = Callable[[Element], ParsedRecord]
"""Reads one record of the shape that it was made for."""


def interpreted(shape: Shape) -> RecordParser:
    """The walk in Python."""
    return partial(parse_record, shape=shape)


parser_for: Callable[[Shape], RecordParser]
try:
    from service.formats.engine._fast.compiled import Walk as parser_for
except ImportError:
    parser_for = interpreted
