"""One XER file: reads its rows, then writes them as elements of P6 XML."""

from collections.abc import Iterator

from service.formats.encoding import ByteSource
from service.formats.engine.interface import ElementWriter
from service.formats.p6.shared_objects import LOOSE, SHARED, P6FileContext
from service.formats.xer.elements import XerElements
from service.formats.xer.intake import XerIntake


class XerFileContext(P6FileContext):
    """One XER file, whose elements are those of a file of P6 XML."""

    _intake: XerIntake | None = None
    _elements: XerElements | None = None

    def write_elements(
        self, source: ByteSource, encoding: str, writer: ElementWriter
    ) -> Iterator[None]:
        """Read the file to its end, and write its elements; see ``Format.rows``."""
        names = frozenset((*self.format.records, *SHARED, *LOOSE))
        intake = XerIntake(source, encoding, self.limits, names, self.give_way)
        self._intake = intake
        intake.read()
        self._elements = XerElements(intake, writer, self.limits, self.give_way)
        yield
        yield from self._elements.write()

    def reason_without_projects(self, _root: str) -> str:
        """Return why a file without projects is refused."""
        if self._has_stubs:
            return (
                "all rows of the table PROJECT have N in export_flag or project_flag: the file "
                "only refers to these projects, or they are nodes of the EPS; export the projects"
            )
        return "the file has no rows in the table PROJECT; export it again, with its projects"

    def finish(self) -> None:
        """Warn about what is not imported, or not as the file has it."""
        super().finish()
        if self._intake is not None:
            self.warnings += self._intake.warnings()
        if self._elements is not None:
            self.warnings += self._elements.warnings()

    def close(self) -> None:
        """Free memory and disk."""
        super().close()
        if self._intake is not None:
            self._intake.close()
        if self._elements is not None:
            self._elements.close()
            self._has_stubs = self._elements.stubs > 0
            self._elements = None  # its writer refers to this object
