"""The batches of an atomic import, on disk until the last byte has come."""

import pickle
from collections.abc import Iterator

from service.imports.pipeline.batch import Batch
from service.model import Project, Refusal
from service.spool.copy_rows import CopyRows, StoredRows
from service.spool.spool import SpoolShare


class StagedBatches:
    """Batches that are added by the reader's thread and then read, as often as is wanted.

    Each stands in one file as the rows of its projects, then all the rest, pickled. In memory is
    where that is, and nothing else.

    Args:
        spool: where the file is made.

    Attributes:
        refused: whether the reader refused a project.

    Raises:
        TooLarge: from ``add``, where the import's share of the spool is used up.
        OSError: from every method, where the disk fails or is full.
    """

    def __init__(self, spool: SpoolShare) -> None:
        self.refused = False
        self._file = spool.new_file()
        self._places: list[int] = []

    def add(self, batch: Batch) -> None:
        """Take a batch, and give back what its projects hold."""
        self.refused = self.refused or any(isinstance(item, Refusal) for item in batch.items)
        try:
            for item in batch.items:
                if isinstance(item, Project) and isinstance(item.rows, CopyRows):
                    item.rows = item.rows.move_to(self._file)
            self._places.append(self._file.tell())
            self._file.write(pickle.dumps(batch))
        finally:
            batch.close()

    def batches(self) -> Iterator[Batch]:
        """The batches in the file's order; each is to be used before the next is asked for."""
        for place in self._places:
            self._file.seek(place)
            batch: Batch = pickle.load(self._file)
            for item in batch.items:
                if isinstance(item, Project) and isinstance(item.rows, StoredRows):
                    item.rows.file = self._file
            yield batch

    def close(self) -> None:
        """Give back the disk."""
        self._file.close()
