"""The dialects that are read, in the order in which a file is tried for them."""

from service.xml import mspdi, native, p6
from service.xml.dialect import Dialect

DIALECTS: tuple[Dialect, ...] = (native.DIALECT, p6.DIALECT, mspdi.DIALECT)
"""Microsoft Project's is last: its projects may stand in a wrapper of any name."""
