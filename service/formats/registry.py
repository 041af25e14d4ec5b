"""The supported formats, in the order in which they are tried for a file."""

from collections.abc import Iterable
from typing import Final

from service.formats.encoding import Prolog
from service.formats.format import Format
from service.formats.mspdi import format as mspdi
from service.formats.native import format as native
from service.formats.p6 import format as p6

FORMATS: Final[tuple[Format, ...]] = (native.FORMAT, p6.FORMAT, mspdi.FORMAT)
"""Microsoft Project's is last, because it accepts a root element of any name."""


def find_format(prolog: Prolog, formats: Iterable[Format] = FORMATS) -> Format | None:
    """Return the first format that recognises a file by its root element, or None."""
    namespace = prolog.namespace or ""
    return next((each for each in formats if each.recognises(namespace, prolog.name)), None)
