"""What goes into one transaction, and how the reader's items are gathered into it."""

from dataclasses import dataclass, field

from service.imports.options import DEFAULT_OPTIONS, ImportOptions
from service.model import Project, Refusal, SharedObject

OUTCOME_BYTES = 200
"""What an item without rows counts for in a batch's size: about its outcome's row."""


@dataclass(slots=True)
class Reversal:
    """A project that an import changed, to be put back.

    Attributes:
        index: place among all that are put back.
        created: whether the import created it.
    """

    index: int
    external_id: str
    name: str | None
    project_id: int
    created: bool
    line: int | None = None


BatchItem = Project | Refusal | Reversal
"""What has an outcome."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The import in whose name batches are written; ``attempt`` fences them.

    ``lock_timeout`` is the longest wait for the import's and the client's lock, ``idle_timeout``
    the longest silence inside a transaction, both in seconds; ``options`` are the uploader's;
    ``keyed`` tells whether it has an idempotency key.
    """

    client_id: int
    import_id: int
    attempt: int
    subject: str
    lock_timeout: float
    idle_timeout: float
    options: ImportOptions = DEFAULT_OPTIONS
    keyed: bool = False


@dataclass(slots=True)
class Batch:
    """Items in the file's order, and the shared objects that must be there before them."""

    items: list[BatchItem] = field(default_factory=list)
    shared: list[SharedObject] = field(default_factory=list)
    size: int = 0

    def add(self, item: BatchItem) -> None:
        self.items.append(item)
        self.size += OUTCOME_BYTES
        if isinstance(item, Project):
            self.size += item.rows.size

    def take(self, shared: SharedObject) -> None:
        self.shared.append(shared)
        self.size += len(shared.attributes)

    def close(self) -> None:
        """Give back the memory and disk of its projects' rows."""
        for item in self.items:
            if isinstance(item, Project):
                item.rows.close()
