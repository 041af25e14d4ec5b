"""Runs the service where a file stands in for the memory limit of its container; needs root.

A separate mount namespace shows the file in place of that of the kernel. The kernel does not
enforce it.
"""

import ctypes
import os
import runpy
import subprocess
from typing import Final

from service.observability.process_metrics import CGROUP_LIMITS

VARIABLE: Final = "ALERTS_MEMORY_LIMIT"
"""Names the file."""
_CLONE_NEWNS: Final = 0x20000


def main() -> None:
    """Replace the limit, and run the command line of the service."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    (shown,) = [str(path) for path in CGROUP_LIMITS if path.exists()][:1]
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "--bind", os.environ.pop(VARIABLE), shown], check=True)
    runpy.run_module("service", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
