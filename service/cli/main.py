"""The program ``bulk-import``.

``upload`` and the commands about imports and projects send requests to a service. The others use
the database of ``DATABASE_URL``, or the embedded one, whether or not ``serve`` runs. A command that
fails prints one line and exits with 2.
"""

import io
import re
import signal
import sys
import traceback
from typing import Final

from service.cli.output import CommandError, print_error

INTERRUPTED: Final = 130
"""The exit code after a signal, as a shell reports it for Ctrl-C."""

_PLAIN: Final = (
    (re.compile(r"Input should be a valid integer.*", re.S), "write a whole number"),
    (re.compile(r"Input should be a valid number.*", re.S), "write a number"),
    (re.compile(r"\bValue error, "), ""),
)
"""Errors of values, and plain words for them."""

_SPACE: Final = re.compile(r"[ \t\r\n]+")


def _interrupt(*_: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a background job of a script
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def main() -> None:
    """Run the command line. SIGTERM has the effect of Ctrl-C, including all clean-up."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        from service.cli.app import app  # takes a while, in which Ctrl-C must print nothing

        sys.exit(app(standalone_mode=False))
    except KeyboardInterrupt:  # until Typer runs the command, and handles Ctrl-C itself
        sys.exit(INTERRUPTED)
    except (CommandError, OSError) as error:
        print_error(f"bulk-import: {' '.join(_SPACE.split(str(error)))}")
        sys.exit(2)
    except Exception as error:
        sys.exit(_print_failure(error))


def _print_failure(error: Exception) -> int:
    """Print what is wrong with the arguments, or the traceback of a fault; return the exit code."""
    context = getattr(error, "ctx", None)  # Typer's classes for the errors of options are private
    text = io.StringIO()
    if context is not None and hasattr(error, "format_message") and not _is_help(error):
        problem = error.format_message()
        for pattern, plain in _PLAIN:
            problem = pattern.sub(plain, problem)
        text.write(f"bulk-import: {' '.join(problem.split())}\n{context.get_usage()}\n")
        text.write(f"`{context.command_path} --help` explains it")
    elif hasattr(error, "show"):
        error.show(text)
    else:
        traceback.print_exception(error, file=text)
    for line in text.getvalue().rstrip("\n").split("\n"):
        print_error(line)
    return getattr(error, "exit_code", 1)


def _is_help(error: Exception) -> bool:
    """Whether a command without arguments shows its help."""
    return type(error).__name__ == "NoArgsIsHelpError"
