"""Commands that run in the test's own process."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.cli.main import main
from tests.support.commands import Done, RunHere
from tests.support.hostile_server import ACTIVE, COMMANDS


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[RunHere]:
    """Run a command in this process."""
    file = tmp_path / f"a{ACTIVE}[b]\udcff.xml"
    file.write_text("<projects/>")
    before = signal.getsignal(signal.SIGTERM)

    def run_command(name: str, *arguments: str, base: str) -> Done:
        given = [str(file) if each == "FILE" else each for each in (*COMMANDS[name], *arguments)]
        if name in ("watch", "undo", "upload"):
            given += ["--retry-for", "0"]
        common = ["--client", "1", "--url", base, "--token", "secret"]
        monkeypatch.setattr(sys, "argv", ["bulk-import", name, *given, *common])
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err, err
        return Done(int(exit_.value.code or 0), out, err)

    yield run_command
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def run_plain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[RunHere]:
    """Run a command in this process, with these arguments alone."""
    before = signal.getsignal(signal.SIGTERM)

    def run_command(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["bulk-import", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capsys.readouterr()
        return Done(int(exit_.value.code or 0), out, err)

    yield run_command
    signal.signal(signal.SIGTERM, before)
