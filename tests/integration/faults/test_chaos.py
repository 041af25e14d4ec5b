"""One round of ``make chaos``, and interrupted rounds."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.paths import CHECKOUT
from tests.tools.chaos.__main__ import chaos
from tests.tools.chaos.schedule import SMALL

KILLS_AND_CRASHES: Final = 6
SMALL_UPLOADS: Final = SMALL
"""Seeds of rounds with these courses."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's account can pass through, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="chaos-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.mark.parametrize("seed", [KILLS_AND_CRASHES, SMALL_UPLOADS])
async def test_no_reported_outcome_is_lost(
    seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    code = await chaos(seed, 1, seconds=12)
    output = capsys.readouterr().out
    assert code == 0, output
    assert f"Every claim holds (seeds {seed} to {seed}, commit " in output
    assert not os.listdir(folder)


def process_uses(process: Path, directory: Path) -> bool:
    """Whether a process was started with a directory, as an argument or in its environment."""
    try:
        output = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    except OSError:
        return False
    return bytes(directory) in output


@pytest.mark.parametrize(
    ("file", "words", "number"),
    [
        ("cluster-*/server.log", b"", signal.SIGTERM),
        ("bulk-import-chaos-*/b.log", b"", signal.SIGINT),
        ("cluster-*/server.log", b"was not properly shut down", signal.SIGINT),
    ],
    ids=["database", "service", "crash"],
)
def test_an_interrupted_run_leaves_no_file_and_no_process(
    folder: Path, file: str, words: bytes, number: signal.Signals
) -> None:
    """While PostgreSQL starts, while the service does, and when PostgreSQL comes back."""
    command = [sys.executable, "-m", "tests.tools.chaos", "--quick", f"--seed={KILLS_AND_CRASHES}"]
    environment = os.environ | {"TMPDIR": str(folder)}
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL) as run:
        while not any(words in each.read_bytes() for each in folder.glob(file)):
            assert run.poll() is None
            time.sleep(0.01)
        run.send_signal(number)
        assert run.wait(60) == 130
    assert not [*folder.iterdir()]
    assert not [each for each in Path("/proc").glob("[0-9]*") if process_uses(each, folder)]
