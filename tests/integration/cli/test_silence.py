"""The time without a byte after which the upload command drops a connection."""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from service.cli.upload.answers import MAX_SILENCE
from service.storage import Pool
from tests.support.commands import Commands, ended, says
from tests.support.network import Network
from tests.support.paths import CHECKOUT
from tests.support.projects import until
from tests.support.running_imports import hold_projects
from tests.support.service import Service
from tests.tools.bench import native

PROJECTS: Final = 300
SIZE: Final = PROJECTS * native.PROJECT_BYTES
SOON: Final = """
import runpy
from service.cli.upload import send
send.MAX_SILENCE = 1
runpy.run_module("service", run_name="__main__", alter_sys=True)
"""
STATES: Final = "SELECT array_agg(state || ' ' || attempt ORDER BY import_id) FROM imports"


@pytest.fixture
def run(service: Service) -> Commands:
    """The command, with a limit of one second."""
    return Commands(service, ("-c", SOON))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return native.write(tmp_path / "plans.xml", PROJECTS)


def test_the_limit_is_the_documented_one() -> None:
    assert MAX_SILENCE == 5 * 60
    page = (CHECKOUT / "docs" / "reference" / "cli" / "upload.md").read_text("utf-8")
    assert "five minutes without a byte" in page


async def test_a_silent_connection_is_dropped_and_the_upload_continues(
    run: Commands, network: Network, file: Path, pool: Pool
) -> None:
    network.there.hold_after(SIZE // 2)
    process = await run.begin("upload", file, "--json", base=network.base)
    await says(process, "no byte for 1 seconds")
    network.cut()
    done = await ended(process)
    assert (done.code, sum(done.told["counts"].values())) == (0, PROJECTS)
    assert await pool.fetchval(STATES) == ["completed 2"]


@pytest.mark.settings(status_after=0.1, keepalive_every=0.1)
async def test_the_spaces_of_a_late_response_end_the_silence(
    run: Commands, network: Network, file: Path, pool: Pool
) -> None:
    async with hold_projects(pool, "P-0000000"):
        process = await run.begin(
            "upload", file, "--json", base=network.base, scope="projects:import"
        )
        await until(pool, "SELECT count(*) > 0 FROM import_results")
        spaces = network.back.passed + 30 * len(b"1\r\n \r\n")
        async with asyncio.timeout(60):
            while network.back.passed < spaces:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    done = await ended(process)
    assert (done.code, done.told["counts"]["created"]) == (0, PROJECTS)
    assert done.told["bytes_sent"] == done.told["bytes"]
