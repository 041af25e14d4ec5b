"""Reads the files of the executions that a maker writes, with the compiled engine.

Prints a line before each execution and one after it, so that the seed is known if the process dies:
``begin SEED``, then ``end`` with the result, or ``fail`` with a text as JSON.
"""

import argparse
import ctypes
import json
import pickle
import signal
import sys
import traceback
from pathlib import Path
from typing import Final

import service.formats.engine._fast

LEAKED: Final = 23
"""Exit code if memory leaked."""
_MOST_SECONDS: Final = 120
"""CPU seconds of one execution. More kill the process, because C code may loop for ever."""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", type=Path, help="folder of the instrumented engine")
    options = parser.parse_args()
    if options.engine is None:
        run_all()
        return 0
    service.formats.engine._fast.__path__.insert(0, str(options.engine))
    sanitizer = ctypes.CDLL(None)
    sanitizer.__lsan_disable()  # modules keep what their import allocates
    import tests.tools.sanitize.execution  # noqa: F401

    sanitizer.__lsan_enable()
    run_all()
    return LEAKED if sanitizer.__lsan_do_recoverable_leak_check() else 0


def run_all() -> None:
    """Run the executions from the standard input."""
    while True:
        try:
            seed, execution, expected = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_VIRTUAL, _MOST_SECONDS)
        print(f"begin {seed}", flush=True)
        try:
            result = execution.check(expected)
        except Exception:
            print(f"fail {json.dumps(traceback.format_exc())}", flush=True)
        else:
            print(f"end {result}", flush=True)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


if __name__ == "__main__":
    sys.exit(main())
