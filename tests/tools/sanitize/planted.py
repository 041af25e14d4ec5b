"""Shows that the sanitizers report faults, before a run claims that there are none."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.tools.sanitize.build import FOLDER, compile_library, environment

_FAULTS: Final = {
    "past_end": "heap-buffer-overflow",
    "freed_node": "heap-use-after-free",
    "overflow": "signed integer overflow",
    "leak": "detected memory leaks",
}
_SCRIPT: Final = """
import ctypes, sys
from lxml import etree
library, fault = sys.argv[1:]
ctypes.CDLL(library)[fault](etree.__file__.encode())
ctypes.CDLL(None).__lsan_do_recoverable_leak_check()
"""


def check_planted_faults() -> int:
    """Run code with faults, and return their number.

    Raises:
        RuntimeError: the sanitizers do not report one.
    """
    library = FOLDER / "planted.so"
    compile_library(Path(__file__).with_name("planted.c"), library)
    for fault, report in _FAULTS.items():
        ended = subprocess.run(
            [sys.executable, "-c", _SCRIPT, str(library), fault],
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        if report not in ended.stderr:
            raise RuntimeError(f"no report of the planted fault {fault}: {ended.stderr}")
    return len(_FAULTS)
