"""The data that the projects of one file share while the file is read."""

from collections.abc import Callable, Iterable
from functools import partial

from service.formats.engine.interface import Engine, IdSet
from service.formats.limits import Limits
from service.formats.parser_set import ParserSet
from service.model import FileWarning, Item
from service.spool.disk_set import DiskSet


class FileContext:
    """One file. A format can derive from it to keep records outside the projects.

    Attributes:
        format: of the file.
        limits: bounds of the file.
        namespace: of the format's elements; empty for none.
        engine: reads the file.
        give_way: lets other imports parse first if this one has parsed for a while. Call it between
            the steps of a loop that can take more than some milliseconds. An exception that it
            raises ends the reading, and nothing of the file is used.
        parsers: of the format's records; the files of an upload can share them.
        keys: keys of tags, one for each name that the file has used so far.
        warnings: about the file as a whole.
        external_id: index of the column in a project's record.
        volatile, record_parser: methods of the parsers.

    Args:
        parsers: see above.
        limits: see above.
        engine: see above.
        give_way: see above.
    """

    def __init__(
        self,
        parsers: ParserSet,
        limits: Limits,
        engine: Engine,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self.parsers = parsers
        self.format = parsers.format
        self.limits = limits
        self.namespace = parsers.namespace
        self.engine = engine
        self.give_way = give_way
        self.keys = parsers.keys
        self.volatile = parsers.volatile
        self.record_parser = parsers.record_parser
        self.warnings: list[FileWarning] = []
        self.external_id = self.format.project.index("external_id")
        self._larger_id_set = partial(DiskSet, limits.spool)

    @property
    def tag(self) -> str:
        """A template: ``context.tag % name`` is the tag of a local name."""
        return f"{{{self.namespace}}}%s" if self.namespace else "%s"

    def id_set(self) -> IdSet:
        """Return an empty id set."""
        return self.engine.id_set(self._larger_id_set)

    def release(self) -> Iterable[Item]:
        """Return the items that were held back, because no more of the file is read."""
        return ()

    def reason_without_projects(self, root: str) -> str:
        """Return why a file without projects is refused, given its root's local name."""
        return (
            f"there is no project in the file; its root is {root}; export the projects "
            "as XML of Primavera P6 or Microsoft Project"
        )

    def mark(self) -> None:
        """Remember the counts of the warnings, at the start of a project."""

    def rewind(self) -> None:
        """Return to the counts of the last mark, because the file exceeds a limit after it."""

    def finish(self) -> None:
        """Add the warnings that are known only after the root has ended."""

    def close(self) -> None:
        """Free memory and disk. The reader calls it once, however the reading ends."""
