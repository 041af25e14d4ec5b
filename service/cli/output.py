"""The output of commands: results on standard output, progress and warnings on standard error.

Commands print only with these functions, because names, notes and messages come from files and
servers: control characters among them become visible escapes.
"""

import codecs
import contextlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO

from service.control_characters import escape_json, make_visible

if TYPE_CHECKING:
    from rich.console import Console

SUCCESS, PROJECTS_FAILED, REFUSED = 0, 1, 2
"""Exit codes."""
MAX_CELL: Final = 500
"""Largest number of characters of a text in a line; ``--json`` prints the whole text."""


class CommandError(Exception):
    """A command cannot continue. The text is one line: the problem, and what to do."""


def program_name() -> str:
    """Return the command that started this program, for command lines that users can paste."""
    called = Path(sys.argv[0])
    return str(called) if called.suffix != ".py" else f"{sys.executable} -m service"


def print_line(text: str, *, style: str = "") -> None:
    """Print one line on standard output, at once; a terminal shows it in a style of rich."""
    print_visible(make_visible(text), style=style)


def print_visible(text: str, *, style: str = "") -> None:
    """Print one line whose control characters are escapes already, as ``print_line``."""
    if style and sys.stdout.isatty():
        console(sys.stdout).print(text, style=style, soft_wrap=True)
    else:
        print(text, flush=True)


def print_wrapped(text: str, indent: int = 0, *, hanging: int = 0, style: str = "") -> None:
    """Print a text; a terminal breaks it between words, and a pipe gets one line.

    Args:
        indent: columns before the first line.
        hanging: further columns before the other lines.
    """
    visible, before = make_visible(text), " " * indent
    width = window_width()
    if width is None or len(before) + len(visible) <= width:
        print_visible(before + visible, style=style)
        return
    import textwrap

    lines = textwrap.wrap(
        visible,
        max(width, 20),
        initial_indent=before,
        subsequent_indent=before + " " * hanging,
        break_on_hyphens=False,
    )
    print_visible("\n".join(lines), style=style)


def window_width() -> int | None:
    """Return the columns of the window, or None for a pipe without ``COLUMNS``."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal():
        return None
    return shutil.get_terminal_size().columns


def format_size(size: float) -> str:
    """Return a number of bytes in a unit for people."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


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


def console(file: TextIO) -> "Console":
    """Return a console of rich that writes to ``file``."""
    from rich.console import Console

    return Console(file=file, highlight=False, markup=False, emoji=False)


def shorten(text: str, length: int) -> str:
    """Shorten a text to a number of characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


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

    A device or a pipe is written directly.

    Raises:
        CommandError: the file cannot be created.
    """
    path = path.resolve()  # a link keeps its place
    is_special = path.exists() and not path.is_file()  # a device or a pipe
    partial = path if is_special else path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        file = partial.open("wb")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with file:
            yield file
        if not is_special:
            partial.replace(path)
    finally:
        if not is_special:
            partial.unlink(missing_ok=True)
