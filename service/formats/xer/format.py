"""Primavera XER, P6's text export: the same plans as P6 XML, read by the same record rules."""

from dataclasses import replace
from typing import Final

from service.formats.p6 import format as p6
from service.formats.record_rules import KEEP_AS_PART
from service.formats.xer.encoding import NAME
from service.formats.xer.file import XerFileContext
from service.formats.xer.mapping import TABLES

_PARTS: Final = {
    name: KEEP_AS_PART
    for table, each in TABLES.items()
    # The rows of an owner that is not in the file are parts named after their table.
    for name in (table if each.owner else each.element,)
    if name not in p6.FORMAT.outside and name != p6.FORMAT.project.name
}

FORMAT: Final = replace(
    p6.FORMAT,
    name="xer",
    source=p6.FORMAT.name,
    recognises=lambda _, name: name == NAME,
    namespace="",
    records={**_PARTS, **p6.FORMAT.records},
    context=XerFileContext,
    rows=XerFileContext.write_elements,
    companions={},
)
