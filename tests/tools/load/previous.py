"""Check out the code of the previous schema, from which an upgrade starts."""

import contextlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.paths import CHECKOUT

_MIGRATIONS: Final = "sql/migrations"


@contextlib.contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Provide a folder with the code of a commit, with its compiled engine, until the block ends.

    Args:
        commit: name of a commit; empty for the newest commit that lacks the last migration and
            can be started.

    Raises:
        SystemExit: there is no such commit, or it has the current schema.
    """
    # Not /tmp, which may be mounted noexec.
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as room:
        if commit:
            folder = _unpacked(commit, room)
        else:
            commit, folder = _newest(room)
        lacking = [each for each in _migrations(CHECKOUT) if each not in _migrations(folder)]
        if not lacking:
            raise SystemExit(f"{commit} has every migration that is here; name an older commit")
        print("from", _git("log", "-1", "--format=%h, %s", commit).decode().strip())
        print("which lacks", *lacking)
        # Without a compiler, setup.py skips the engine and the service uses the one in Python.
        command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        yield folder


def _newest(room: str) -> tuple[str, Path]:
    """The newest commit that lacks the last migration and can be started, and its code."""
    commit = _before_the_last_migration()
    while True:
        folder = _unpacked(commit, room)
        loads = [sys.executable, "-c", "import service.app"]
        if subprocess.run(loads, cwd=folder, capture_output=True).returncode == 0:
            return commit, folder
        commit += "^"


def _unpacked(commit: str, room: str) -> Path:
    archive = _git("archive", "--format=tar", commit)
    folder = Path(tempfile.mkdtemp(dir=room))
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def _before_the_last_migration() -> str:
    """Return the parent of the commit that added the last migration, or HEAD if none did yet."""
    last = f"{_MIGRATIONS}/{_migrations(CHECKOUT)[-1]}"
    added = _git("log", "-1", "--diff-filter=A", "--format=%H", "--", last).decode().strip()
    if not added:
        return "HEAD"
    if not _git("rev-parse", f"{added}^@").strip():
        raise SystemExit(f"git has no commit before {last}: fetch the history, or name a commit")
    return f"{added}^"


def _migrations(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / _MIGRATIONS).glob("*.sql"))


def _git(*arguments: str) -> bytes:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=CHECKOUT, check=True, capture_output=True
        ).stdout
    except FileNotFoundError:
        raise SystemExit(
            "the code of the previous schema comes from git, which is missing"
        ) from None
    except subprocess.CalledProcessError as exc:
        reason = exc.stderr.decode().strip()
        raise SystemExit(f"the code of the previous schema comes from git: {reason}") from None
