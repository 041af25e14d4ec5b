"""A bar for each file that is uploaded, on standard error."""

import contextlib
import sys
from collections.abc import Iterator

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from service.cli.screen import console


class Bar:
    """How far one file is: bytes read or sent, and projects done."""

    def __init__(self, progress: Progress, name: str, size: int) -> None:
        self._progress = progress
        self._name = name
        self._size = size
        self._sent = 0
        self._done = 0
        self._task: TaskID = progress.add_task(name, total=size, phase="reading")

    def read(self, data: bytes) -> None:
        """Some of the file was read, before anything is sent."""
        self._progress.advance(self._task, len(data))

    def begin(self, size: int) -> None:
        """So many bytes will be sent."""
        self._progress.reset(self._task, total=size, phase="")

    def sent(self, piece: int) -> None:
        """Of the piece at hand, so many bytes are sent."""
        self._progress.update(self._task, completed=self._sent + piece)

    def done(self, piece: int) -> None:
        """Of the piece at hand, so many projects are done."""
        self._progress.update(self._task, phase=f"{self._done + piece} projects done")

    def complete(self, size: int, projects: int) -> None:
        """A piece of that size is complete, and all projects so far are so many."""
        self._sent += size
        self._done = projects
        self.sent(0)
        self.done(0)


@contextlib.contextmanager
def bars() -> Iterator[Progress]:
    """Where bars are shown until the block ends."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[phase]}"),
    )
    with Progress(*columns, console=console(sys.stderr)) as progress:
        yield progress
