"""The tables and columns of XER files, and the elements of P6 XML that they become.

Source: Oracle's data map guides of the XER export, p6apibo.xsd, and files of P6 and MPXJ. A column
that is not here keeps its name, and a table that is not here becomes parts of its project.
"""

from collections.abc import Mapping
from typing import Final

from service.formats.xer.mapping import activities, codes, lists, projects, resources
from service.formats.xer.mapping.fields import CONSUMED
from service.formats.xer.mapping.projects import ROOT
from service.formats.xer.tables import XerTable

TABLES: Final[Mapping[str, XerTable]] = {
    **lists.TABLES,
    **resources.TABLES,
    **codes.TABLES,
    **projects.TABLES,
    **activities.TABLES,
}
"""The destinations of tables, by name in capitals."""

SKIPPED: Final = frozenset({"POBS"})
"""Tables that are counted and not read. P6 adds rows to POBS on each export, and a database that
exchanged many files writes gigabytes of them, of which no plan uses one (Oracle Doc ID 1967629.1).
"""

__all__ = ("CONSUMED", "ROOT", "SKIPPED", "TABLES")
