"""The tables and columns of XER files, and the elements of P6 XML that they become.

Sources: Oracle's data map guide of the XER export, its schema p6apibo.xsd, and the files that P6
and MPXJ write. A column that is not here keeps its name, and a table that is not here becomes parts
of its project.
"""

from collections.abc import Mapping
from typing import Final

from service.formats.xer.mapping import (
    activities,
    codes,
    costs,
    documents,
    lists,
    projects,
    resources,
)
from service.formats.xer.mapping.fields import CONSUMED
from service.formats.xer.mapping.projects import ROOT
from service.formats.xer.tables import XerTable

TABLES: Final[Mapping[str, XerTable]] = {
    **lists.TABLES,
    **resources.TABLES,
    **codes.TABLES,
    **costs.TABLES,
    **documents.TABLES,
    **projects.TABLES,
    **activities.TABLES,
}
"""The destinations of tables, by name in capitals."""

SKIPPED: Final = frozenset({"POBS", "RISKTYPE"})
"""Tables that are counted and not read. Databases that exchange files collect each other's rows of
them, up to gigabytes in a file, and no plan uses them: P6 has no function for POBS, and RISKTYPE
lists the risk categories of the whole database. Other risk tables are imported."""

__all__ = ("CONSUMED", "ROOT", "SKIPPED", "TABLES")
