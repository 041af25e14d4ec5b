"""What commands print on: results on standard output, progress on standard error."""

import sys
from pathlib import Path
from typing import TextIO

from rich.console import Console

_PIPED_WIDTH = 200
"""Columns where nobody's window limits them, so that no table is cut in a log or a pipe."""


class Failure(Exception):
    """A command cannot go on; the text is one line that says why and what to do."""


def cannot_listen(host: str, port: int, error: OSError) -> Failure:
    """What to end with where an address cannot be had."""
    return Failure(f"cannot listen on {host}:{port}: {error.strerror}")


def command() -> str:
    """How this program was called, for lines that can be pasted."""
    called = Path(sys.argv[0])
    return str(called) if called.suffix != ".py" else f"{sys.executable} -m service"


def console(file: TextIO | None = None) -> Console:
    """A console on ``file``, by default standard output."""
    out = file or sys.stdout
    width = None if out.isatty() else _PIPED_WIDTH
    return Console(file=out, width=width, highlight=False, markup=False, emoji=False)
