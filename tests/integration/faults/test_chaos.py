"""One seeded round of ``make chaos``, and interrupted rounds."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from tests.support.paths import CHECKOUT
from tests.tools.chaos.__main__ import chaos

KILLS_AND_CRASHES: Final = 6
"""A seed of a round with that course."""


async def test_no_reported_outcome_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    code = await chaos(KILLS_AND_CRASHES, 1, seconds=12)
    output = capsys.readouterr().out
    assert code == 0, output
    assert "Every claim holds (seeds 6 to 6, commit " in output
    assert not os.listdir(tmp_path)


def process_uses(process: Path, directory: Path) -> bool:
    """Whether a process was started with a directory, as an argument or in its environment."""
    try:
        output = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    except OSError:
        return False
    return bytes(directory) in output


@pytest.mark.parametrize(
    ("moment", "number"),
    [("*", signal.SIGTERM), ("*/b.log", signal.SIGINT), ("*/db/pg18/server.log.1", signal.SIGINT)],
    ids=["database", "service", "crash"],
)
def test_an_interrupted_run_leaves_no_file_and_no_process(
    tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    """While PostgreSQL starts, while the service does, and when PostgreSQL comes back."""
    command = [
        sys.executable,
        "-m",
        "tests.tools.chaos",
        "--rounds=1",
        f"--seed={KILLS_AND_CRASHES}",
    ]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL) as run:
        while not [*tmp_path.glob(moment)]:
            assert run.poll() is None
            time.sleep(0.01)
        run.send_signal(number)
        assert run.wait(60) == 130
    assert not [*tmp_path.iterdir()]
    assert not [each for each in Path("/proc").glob("[0-9]*") if process_uses(each, tmp_path)]
