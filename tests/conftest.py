"""Fixtures that give tests real servers.

    dsn       a migrated database of the test's own, on each PostgreSQL that ``--postgres`` selects
    pool      a pool to it, as the service opens it (JSON crosses it as Python values)
    settings  settings for it, independent of the environment; a test changes them by
              ``@pytest.mark.settings(idle_timeout=1)`` or ``settings.model_copy(update={…})``
    service   the application on a real socket, with client 1: see ``Service``; it shares ``dsn``,
              ``pool`` and ``settings`` with the test

``pytest --postgres=16,18`` runs the tests of SQL and COPY on both servers (``_EVERY_VERSION``), and
all others on the last one; the default is 18 alone. ``--pooled`` repeats the tests whose batches,
locks, heartbeats and connections a pooler or partitions can disturb (``_POOLED``) on
``18+partitioned+pgbouncer``. Those that depend on the version too run on 18 and on
``16+partitioned+pgbouncer``. A test marked ``once`` runs only on the last server. With
``18+pgbouncer`` ``dsn`` is a PgBouncer in transaction mode, with
``18+pgbouncer-unprepared`` one that knows no prepared statements; with ``18+partitioned`` its
tables are partitioned, and ``18+partitioned+pgbouncer`` is both.
The servers live as long as the run, each process of it having its own; ``--server`` names one that
runs already. A database is a copy of a migrated template, made in some 50 ms. Temporary files, also
those of the servers, are in memory where ``TMPDIR`` names no place for them (``_MEMORY``).
"""

import asyncio
import contextlib
import functools
import gc
import itertools
import os
import platform
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
import structlog
from pydantic import SecretStr

from service.http import shared_result
from service.settings import Settings
from service.storage import Pool
from service.storage.pool import create_pool
from tests.support import citus
from tests.support.citus_exceptions import NOT_ON_CITUS
from tests.support.databases import ADD_CLIENT, execute
from tests.support.pgbouncer import PgBouncer, run_pgbouncer
from tests.support.servers import PARTITIONED, PLAIN, database_dsn, run_migrated_server
from tests.support.service import SECRET, Service, served

_UNPREPARED: Final = "pgbouncer-unprepared"
_PREPARED: Final = {"pgbouncer": 200, _UNPREPARED: 0}
"""Poolers that may follow a version's ``+``, and how many prepared statements each keeps."""

_INTEGRATION: Final = Path(__file__).parent / "integration"
_EVERY_VERSION: Final = (
    "storage",
    "views",
    "formats",
    "report",
    *(f"imports/test_{name}.py" for name in ("writer", "tables", "prune", "prune_shared")),
)
"""Integration tests that depend on the version of PostgreSQL: they run on every server."""
_POOLED: Final = (
    "storage/test_pool.py",
    "imports",
    "report",
    "whole",
    "http/test_endings.py",
    "faults/test_connection.py",
)
"""Integration tests that ``--pooled`` repeats through PgBouncer on partitioned tables."""
_NEVER_POOLED: Final = (
    *(f"imports/test_{name}.py" for name in ("spool", "huge", "threads")),
    "whole/test_bad_projects.py",
)
"""Tests below ``_POOLED`` of what comes before the database: files, memory and threads."""
_POOLED_TABLES: Final = "partitioned+pgbouncer"

_MEMORY: Final = Path("/dev/shm")
"""A copy of a database takes a seventh of the CPU time there, and waits for no disk."""
_MEMORY_BYTES: Final = 4 << 30
"""Free bytes with which ``_MEMORY`` is used: four processes with two servers each take 2 GiB."""

_numbers: Final = itertools.count(1)
_others: Final[list[int]] = []
_ran_on: Final[set[str]] = set()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgres", default="18", help="versions to test on, such as 16,18")
    parser.addoption("--server", help="DSN of a server that ``run_migrated_server`` runs")
    parser.addoption("--pooled", action="store_true", help=f"repeat some on {_POOLED_TABLES}")


def pytest_configure(config: pytest.Config) -> None:
    """Stop the servers when the run is terminated, as when it is interrupted."""
    if "TMPDIR" not in os.environ and _can_hold_temporary_files(_MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)
    os.environ.pop("COLUMNS", None)  # tables of commands would be as narrow as this terminal
    config.addinivalue_line("markers", "settings(**changes): settings of the service under test")
    config.addinivalue_line("markers", "citus: a test that runs on Citus alone")
    signal.signal(signal.SIGTERM, _interrupted)
    # A shell lets a program in the background ignore it, and the commands under test would too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _print_plain_tracebacks()


def pytest_collection_finish() -> None:
    """Spare each later ``gc.collect()`` the modules and the thousands of tests."""
    gc.freeze()


def _print_plain_tracebacks() -> None:
    """Log exceptions without the colours and variables of rich, which take a second of CPU time."""
    *processors, _ = structlog.get_config()["processors"]
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors, renderer])


def _can_hold_temporary_files(folder: Path) -> bool:
    """Check the space, and that programs can be executed there: some tests install them."""
    if not folder.is_dir():
        return False
    found = os.statvfs(folder)
    executable = not found.f_flag & os.ST_NOEXEC
    return executable and found.f_bavail * found.f_frsize >= _MEMORY_BYTES


def _interrupted(_number: int, _frame: object) -> None:
    for pid in _others:  # a terminal's Ctrl-C reaches them by itself
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    raise KeyboardInterrupt


@pytest.hookimpl(optionalhook=True)
def pytest_testnodeready(node: Any) -> None:
    """Know the processes that test for this one: they would be killed before they had stopped."""
    _others.append(node.gateway._rinfo().pid)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted = metafunc.config.getoption("--postgres").split(",")
    test = metafunc.definition
    once = test.get_closest_marker("once") is not None
    plain = not any("+" in server for server in wanted)
    if once or (plain and not _is_below(test.path, _EVERY_VERSION)):
        wanted = wanted[-1:]
    pooled = metafunc.config.getoption("--pooled") and not once
    if pooled and _is_below(test.path, _POOLED) and not _is_below(test.path, _NEVER_POOLED):
        *older, last = wanted
        on = [f"{version}+{_POOLED_TABLES}" for version in older or [last]]
        wanted = [last, *on]
    ways = [_way(*one.split("+")) for one in wanted]
    if "dsn" in metafunc.fixturenames:
        names = ("postgres", "template", "pooler")
        metafunc.parametrize(names, ways, ids=wanted, scope="session")
    elif "postgres" in metafunc.fixturenames:
        versions = dict.fromkeys(version for version, _, _ in ways)
        metafunc.parametrize("postgres", versions, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of Citus on other servers, and on Citus those that do not apply."""
    on_citus = citus.VERSION in config.getoption("--postgres").split(",")
    left_out = set()
    for item in items:
        reason = next((why for part, why in NOT_ON_CITUS.items() if part in item.nodeid), None)
        if on_citus and reason is not None:
            item.add_marker(pytest.mark.skip(reason=reason))
        elif not (_uses_database(item) if on_citus else item.get_closest_marker("citus") is None):
            left_out.add(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Skip a test that needs a trigger, where there can be none."""
    try:
        return (yield)
    except asyncpg.InternalServerError as exc:
        if citus.NO_TRIGGERS in str(exc):
            pytest.skip(f"Citus: {exc}")
        raise


def _uses_database(item: pytest.Item) -> bool:
    return not {"dsn", "postgres"}.isdisjoint(getattr(item, "fixturenames", ()))


def _is_below(path: Path, places: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(_INTEGRATION / place) for place in places)


def _way(version: str, *more: str) -> tuple[str, str, str]:
    if version == citus.VERSION:
        template = citus.DISTRIBUTED
    else:
        template = PARTITIONED if PARTITIONED in more else PLAIN
    (pooler,) = [each for each in more if each != PARTITIONED] or [""]
    return version, template, pooler


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With several test processes, pass the servers used to the process that reports."""
    if (told := getattr(session.config, "workeroutput", None)) is not None:
        told["ran_on"] = sorted(_ran_on)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _ran_on.update(getattr(node, "workeroutput", {}).get("ran_on", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    servers = ", ".join(sorted(_ran_on)) or "no server"
    terminalreporter.write_line(f"Ran on Python {platform.python_version()} and {servers}")


@pytest.fixture(scope="session")
def server(
    postgres: str, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[str]:
    """The DSN of a server whose databases ``migrated`` and ``partitioned`` are up to date."""
    with contextlib.ExitStack() as stack:
        if not (dsn := pytestconfig.getoption("--server")):
            folder = tmp_path_factory.mktemp("db")
            stack.callback(shutil.rmtree, folder)
            dsn = stack.enter_context(run_migrated_server(folder, postgres))
        _ran_on.add(f"PostgreSQL {asyncio.run(execute(dsn, 'SHOW server_version'))}")
        yield dsn


@pytest.fixture(scope="session")
def bouncer(server: str, pooler: str) -> Iterator[PgBouncer | None]:
    """Run the pooler between the service and the server, if there is one."""
    if not pooler:
        yield None
        return
    with run_pgbouncer(server, prepared=_PREPARED[pooler]) as bouncer:
        _ran_on.add("PgBouncer")
        yield bouncer


@pytest.fixture
async def dsn(server: str, template: str, bouncer: PgBouncer | None) -> AsyncIterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    await citus.create(server, name, template)
    yield database_dsn(server, name) if bouncer is None else bouncer.dsn(name)
    await citus.drop(server, name, template)


@functools.cache
def _independent_settings() -> Settings:
    """Validate the settings of all tests once; the environment must have no setting."""
    return Settings(jwt_secret=SecretStr(SECRET), port=0, log_level="error")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Settings:
    for name in [*os.environ]:
        if name.startswith("BULK_IMPORT_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    settings = _independent_settings()
    changes = {
        name: value
        for marker in request.node.iter_markers("settings")
        for name, value in marker.kwargs.items()
    }
    settings = settings.model_copy(update=changes)
    if "dsn" in request.fixturenames and request.getfixturevalue("pooler") == _UNPREPARED:
        return settings.model_copy(update={"statement_cache_size": 0})
    return settings


@pytest.fixture(autouse=True)
def fresh_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep no result of a probe after its request, so that no test waits for the next one."""
    monkeypatch.setattr(shared_result, "KEPT", 0)


@pytest.fixture
async def pool(settings: Settings, dsn: str) -> AsyncIterator[Pool]:
    pool = await create_pool(settings, dsn)
    yield pool
    await pool.close()


@pytest.fixture
async def service(settings: Settings, dsn: str) -> AsyncIterator[Service]:
    await execute(dsn, ADD_CLIENT)
    async with served(settings, dsn) as service:
        yield service
