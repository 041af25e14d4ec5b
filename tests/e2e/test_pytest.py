"""``scripts/pytest.sh``, which ``make test`` runs, tries failed tests a second time."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import CHECKOUT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a test that passes, and one that fails ``failures`` times (a file)."""
    (tmp_path / "pytest.ini").touch()
    (tmp_path / "test_it.py").write_text(
        "from pathlib import Path\n"
        "left = Path(__file__).with_name('failures')\n"
        "def test_sound(): pass\n"
        "def test_it():\n"
        "    count = int(left.read_text())\n"
        "    left.write_text(str(count - 1))\n"
        "    assert count <= 0\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("failures", "code", "runs"),
    [
        (0, 0, ["2 passed"]),
        (1, 0, ["1 failed, 1 passed", "1 passed"]),
        (2, 1, ["1 failed, 1 passed", "1 failed"]),
    ],
)
def test_a_test_fails_the_run_if_it_fails_twice(
    folder: Path, failures: int, code: int, runs: list[str]
) -> None:
    (folder / "failures").write_text(str(failures))
    done = _tested(folder)
    assert done.returncode == code, done.stdout
    assert re.findall(r"^=* ?(\d+ (?:passed|failed).*) in [\d.]+s", done.stdout, re.M) == runs
    assert ("once more" in done.stderr) == (len(runs) == 2)


def test_the_last_line_counts_second_tries_and_names_the_first_log(folder: Path) -> None:
    (folder / "failures").write_text("1")
    last = _tested(folder).stdout.splitlines()[-1]
    found = re.fullmatch(r"1 passed on the second try; the log of the first try is (\S+)", last)
    assert found is not None, last
    assert "1 failed, 1 passed" in Path(found[1]).read_text()


def test_a_test_that_hangs_fails_with_its_place(folder: Path) -> None:
    (folder / "test_it.py").write_text(
        "import time\n"
        "from pathlib import Path\n"
        "once = Path(__file__).with_name('once')\n"
        "def test_it():\n"
        "    if not once.exists():\n"
        "        once.touch()\n"
        "        time.sleep(600)\n"
    )
    done = _tested(folder, "-o", "faulthandler_timeout=1")
    assert done.returncode == 0
    assert 'test_it.py", line 7 in test_it' in done.stderr
    assert "once more" in done.stderr


def test_an_interrupt_is_not_tried_again(folder: Path) -> None:
    (folder / "test_it.py").write_text("def test_it(): raise KeyboardInterrupt\n")
    done = _tested(folder)
    assert done.returncode == 2
    assert "once more" not in done.stderr


def _tested(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    # Without the options of the outer run, and without plugins that take seconds to start.
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    return subprocess.run(
        [CHECKOUT / "scripts" / "pytest.sh", "-p", "xdist.plugin", "-n", "1", *more, folder],
        env=environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
    )
