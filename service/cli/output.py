"""The output of commands: results on standard output, progress and warnings on standard error.

Commands print only with these functions, because names, notes and messages come from files and
servers: control characters among them become visible escapes.
"""

import codecs
import contextlib
import json
import os
import re
import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO

from service.control_characters import escape_json, make_visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

SUCCESS, PROJECTS_FAILED, REFUSED = 0, 1, 2
"""Exit codes."""
MAX_ROWS: Final = 20
"""Largest number of rows in a table of outcomes; a last line counts the others."""
MAX_CELL: Final = 500
"""Largest number of characters of a cell; ``--json`` prints the whole text."""
_BAR_NAME: Final = 16
"""Largest number of characters of a name in a progress bar."""
_PIPED_WIDTH: Final = 200
"""Width in columns of a table in a log or a pipe, which have no window."""


class CommandError(Exception):
    """A command cannot continue. The text is one line: the problem, and what to do."""


def program_name() -> str:
    """Return the command that started this program, for command lines that users can paste."""
    called = Path(sys.argv[0])
    return str(called) if called.suffix != ".py" else f"{sys.executable} -m service"


def print_line(text: str, *, style: str = "") -> None:
    """Print one line on standard output, at once; a terminal shows it in a style of rich."""
    if style:
        console().print(make_visible(text), style=style, soft_wrap=True)
    else:
        print(make_visible(text), flush=True)


def print_error(text: str) -> None:
    """Print one line on standard error."""
    print(make_visible(text), file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print a value as one line of JSON, at once."""
    print(_to_json(value), flush=True)


def print_change_of_field(name: str, old: Any, new: Any) -> None:
    """Print the name of a field, and its old and new value as JSON, in one line."""
    print(f"    {make_visible(name)}: {_to_json(old)} -> {_to_json(new)}", flush=True)


def _to_json(value: Any) -> str:
    return escape_json(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def console(file: TextIO | None = None) -> "Console":
    """Return a console that writes to ``file``, by default to standard output."""
    from rich.console import Console

    out = file or sys.stdout
    width = None if out.isatty() else _PIPED_WIDTH
    return Console(file=out, width=width, highlight=False, markup=False, emoji=False)


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], total: int | None = None
) -> None:
    """Print rows as a table, and the number of omitted rows of ``total``; without rows, nothing."""
    from rich.table import Table

    if not rows:
        return
    table = Table(*columns, title=title or None, title_justify="left")
    for row in rows:
        table.add_row(*(make_visible(_format_cell(cell)) for cell in row))
    console().print(table)
    if total is not None and total > len(rows):
        print_line(f"  and {total - len(rows)} more")


def _format_cell(value: Any) -> str:
    return "" if value is None else shorten(str(value), MAX_CELL)


def shorten(text: str, length: int) -> str:
    """Shorten a text to a number of characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


async def print_items(
    items: AsyncGenerator[dict[str, Any], None],
    columns: Sequence[str],
    to_row: Callable[[Mapping[str, Any]], Sequence[Any]],
    limit: int,
    *,
    as_json: bool,
) -> None:
    """Print at most ``limit`` items: as a table, or as lines of JSON while they arrive."""
    rows = []
    count = 0
    async with contextlib.aclosing(items):
        async for item in items:
            if count == limit:
                print_error(f"There are more than {limit}: raise --limit to list them.")
                break
            count += 1
            if as_json:
                print_json(item)
            else:
                rows.append([*map(_format_cell, to_row(item))])
    print_table("", columns, rows)


class DocumentWriter:
    """Writes a document to standard output: its bytes, or visible text if that is a terminal."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def write(self, block: bytes) -> None:
        """Write a block of the document."""
        if not sys.stdout.isatty():
            sys.stdout.buffer.write(block)
            return
        parts = re.split(r"([\n\t])", self._decoder.decode(block))
        sys.stdout.write("".join(each if each in "\n\t" else make_visible(each) for each in parts))


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that appears at ``path``, complete, when the block ends.

    Raises:
        CommandError: the file cannot be created.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        file = partial.open("wb")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


class UploadBar:
    """The progress of a run in one line: bytes sent, files sent, projects done.

    Args:
        progress: draws the line.
        files: the number of files of the run.
        size: of all files, in bytes.
    """

    def __init__(self, progress: "Progress", files: int, size: int) -> None:
        self._progress = progress
        self._files = files
        self._files_done = 0
        self._total = size
        self._pack_begin = 0
        self._pack_size = 0
        self._read = 0
        self._sent = 0
        self._done_before = 0
        self._done = 0
        self._task = progress.add_task("", total=size, phase="")

    def begin_pack(self, name: str, size: int) -> None:
        """Begin a pack of ``size`` bytes, which is read before anything is sent."""
        self._pack_begin, self._pack_size, self._read = self._sent, size, 0
        description = make_visible(shorten(name, _BAR_NAME))
        self._progress.update(self._task, description=description, phase="reading")

    def add_read(self, data: bytes) -> None:
        """Count bytes that were read before anything is sent."""
        self._read += len(data)
        percent = 100 * self._read // max(self._pack_size, self._read, 1)
        self._progress.update(self._task, phase=f"reading, {percent} %")

    def begin_sending(self, size: int) -> None:
        """Begin to send the pack, which has ``size`` bytes in all its pieces."""
        self._total += size - self._pack_size
        self._pack_size = size
        self._progress.update(self._task, total=self._total)
        self.set_done(0)

    def set_sent(self, size: int) -> None:
        """Show how many bytes of the current upload are sent."""
        self._progress.update(self._task, completed=self._sent + size)

    def set_done(self, projects: int) -> None:
        """Show how many projects of the current upload are done."""
        done = self._done + projects
        phase = f"{done} projects done"
        if self._files > 1:  # short, because the line must fit in 80 columns
            phase = f"{self._files_done}/{self._files} files, {done} done"
        self._progress.update(self._task, phase=phase)

    def end_piece(self, size: int, projects: int) -> None:
        """End a piece of ``size`` bytes; ``projects`` of its file are done so far."""
        self._sent += size
        self._done = self._done_before + projects
        self.set_sent(0)
        self.set_done(0)

    def end_pack(self, files: int, projects: int) -> None:
        """End a pack of so many files and projects, sent or not."""
        self._sent = self._pack_begin + self._pack_size
        self._files_done += files
        self._done_before = self._done = self._done_before + projects
        self.set_sent(0)
        self.set_done(0)

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Remove the line until the block ends, which prints results."""
        self._progress.stop()
        yield
        self._progress.start()


@contextlib.contextmanager
def progress_bars() -> Iterator["Progress"]:
    """Show progress bars on standard error until the block ends."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=8),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[phase]}", markup=False),
    )
    terminal = console(sys.stderr)
    with Progress(
        *columns,
        console=terminal,
        transient=True,
        redirect_stdout=False,  # results go there even if only standard error is a terminal
        disable=not terminal.is_interactive,
    ) as progress:
        yield progress
