"""Metrics of each process: its version, its limits and its memory.

Alerts compare with the limits, so that they follow the settings.
"""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

from prometheus_client import Gauge

from service.settings import Settings

BUILD_INFO: Final = Gauge(
    "bulk_import_build_info",
    "1, with the version of the service, of Python and of the engine as labels",
    ["version", "python", "engine"],
    multiprocess_mode="livemax",
)
IMPORTS_LIMIT: Final = Gauge(
    "bulk_import_imports_limit",
    "Imports that can run: BULK_IMPORT_MAX_IMPORTS of each process",
    multiprocess_mode="livesum",
)
CONNECTIONS_LIMIT: Final = Gauge(
    "bulk_import_connections_limit",
    "Connections to the database: BULK_IMPORT_POOL_SIZE of each process",
    multiprocess_mode="livesum",
)
SPOOL_LIMIT: Final = Gauge(
    "bulk_import_spool_limit_bytes",
    "Bytes of working files that are possible: BULK_IMPORT_SPOOL_BYTES of each process",
    multiprocess_mode="livesum",
)
UPLOAD_LIMIT: Final = Gauge(
    "bulk_import_upload_limit_seconds",
    "Longest time of an upload: BULK_IMPORT_UPLOAD_TIMEOUT",
    multiprocess_mode="livemax",
)
MEMORY: Final = Gauge(
    "bulk_import_resident_memory_bytes",
    "Resident memory of the processes that serve, at the last heartbeat",
    multiprocess_mode="livesum",
)
MEMORY_LIMIT: Final = Gauge(
    "bulk_import_memory_limit_bytes",
    "Limit of the container's memory; 0 without one",
    multiprocess_mode="livemax",
)

CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""The limit of a container in version 2 and 1 of cgroups."""
_NO_LIMIT: Final = 1 << 62
"""Version 1 reports a number above this if there is no limit."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_STATM: Final = Path("/proc/self/statm")


def publish_limits(settings: Settings, engine: str) -> None:
    """Set the gauges that do not change while the process runs.

    Args:
        settings: the limits.
        engine: name of the engine that reads records.
    """
    BUILD_INFO.labels(version("project-bulk-import"), platform.python_version(), engine).set(1)
    IMPORTS_LIMIT.set(settings.max_imports)
    CONNECTIONS_LIMIT.set(settings.pool_size)
    SPOOL_LIMIT.set(settings.spool_bytes)
    UPLOAD_LIMIT.set(settings.upload_timeout)
    MEMORY_LIMIT.set(_read_memory_limit())


def set_memory() -> None:
    """Set the gauge of the memory; it stays 0 on systems without ``/proc``."""
    if _STATM.exists():
        MEMORY.set(int(_STATM.read_text().split()[1]) * _PAGE)


def _read_memory_limit() -> int:
    for path in CGROUP_LIMITS:
        if path.exists():
            text = path.read_text().strip()
            limit = int(text) if text.isdecimal() else 0
            return limit if limit < _NO_LIMIT else 0
    return 0
