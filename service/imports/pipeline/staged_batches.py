"""The batches of an atomic import, on disk until its upload is complete."""

import pickle
from collections.abc import Iterator

from service.imports.pipeline.batch import Batch
from service.model import Project, Refusal
from service.spool.copy_rows import CopyRows, StoredRows
from service.spool.spool import SpoolShare


class StagedBatches:
    """Batches that the parsing thread adds, and that can then be read any number of times.

    One file holds for each batch the rows of its projects, then the rest of the batch, pickled.
    Only the positions are in memory.

    Args:
        spool: creates the file.

    Attributes:
        refused: the parser refused a project.

    Raises:
        TooLarge: by ``add``, if the import's share of the spool is used up.
        OSError: by every method, if the disk fails or is full.
    """

    def __init__(self, spool: SpoolShare) -> None:
        self.refused = False
        self._file = spool.new_file()
        self._positions: list[int] = []

    def add(self, batch: Batch) -> None:
        """Store a batch, and free the memory and disk that its projects hold."""
        self.refused = self.refused or any(isinstance(item, Refusal) for item in batch.items)
        try:
            for item in batch.items:
                if isinstance(item, Project) and isinstance(item.rows, CopyRows):
                    item.rows = item.rows.move_to(self._file)
            self._positions.append(self._file.tell())
            self._file.write(pickle.dumps(batch))
        finally:
            batch.close()

    def read(self) -> Iterator[Batch]:
        """Yield the batches in the order of the file; use each before taking the next."""
        for position in self._positions:
            self._file.seek(position)
            batch: Batch = pickle.load(self._file)
            for item in batch.items:
                if isinstance(item, Project) and isinstance(item.rows, StoredRows):
                    item.rows.file = self._file
            yield batch

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
