"""A batch: what one transaction writes."""

from dataclasses import dataclass, field

from service.model import Project, Refusal, SharedObject

OUTCOME_BYTES = 200
"""Bytes that an item adds to a batch besides its rows: about the size of its outcome's row."""


@dataclass(frozen=True, slots=True)
class Reversal:
    """A project that an import changed and an undo restores.

    Attributes:
        index: position among all projects that the undo restores.
        created: the import created the project.
    """

    index: int
    external_id: str
    name: str | None
    project_id: int
    created: bool
    line: int | None = None
    file: str | None = None


BatchItem = Project | Refusal | Reversal
"""An item of a file, or of an undo, that gets an outcome."""


@dataclass(slots=True)
class Batch:
    """Items in the order of the file, and the shared objects that must be stored before them."""

    items: list[BatchItem] = field(default_factory=list)
    shared: list[SharedObject] = field(default_factory=list)
    size: int = 0

    def add(self, item: BatchItem) -> None:
        self.items.append(item)
        self.size += OUTCOME_BYTES
        if isinstance(item, Project):
            self.size += item.rows.size

    def add_shared(self, shared: SharedObject) -> None:
        self.shared.append(shared)
        self.size += len(shared.attributes)

    def close(self) -> None:
        """Free the memory and disk that the rows of its projects hold."""
        for item in self.items:
            if isinstance(item, Project):
                item.rows.close()
