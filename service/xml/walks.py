"""Which walk there is: the compiled one where it could be built, else the one in Python."""

from collections.abc import Callable
from functools import partial

from service.xml.element import Element
from service.xml.walk import Record, Shape, walk

Walk = Callable[[Element], Record]
"""Reads one record of the shape that it was made for."""


def interpreted(shape: Shape) -> Walk:
    """The walk in Python."""
    return partial(walk, shape=shape)


walk_of: Callable[[Shape], Walk]
try:
    from service.xml.compiled import Walk as walk_of
except ImportError:
    walk_of = interpreted
