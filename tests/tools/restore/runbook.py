"""The commands of ``docs/operate/backup.md``, which the check runs as an operator does."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from service.storage.embedded.program_files import clean_environment
from tests.support.paths import CHECKOUT

BACKUP: Final = CHECKOUT / "docs" / "operate" / "backup.md"
AFTER_RESTORE: Final = CHECKOUT / "docs" / "operate" / "after-a-restore.md"
POSTGRESQL: Final = CHECKOUT / "docs" / "operate" / "postgresql.md"
_PROGRAMS: Final = CHECKOUT / ".venv" / "bin"


def block(heading: str, document: Path = BACKUP) -> str:
    """Return the first block of code below a heading.

    Raises:
        LookupError: the document has no such heading, or no code below it.
    """
    text = document.read_text()
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    code = re.search(r"^```\w*\n(.*?)^```$", found[1] if found else "", re.MULTILINE | re.DOTALL)
    if code is None:
        raise LookupError(f"{document.name} has no commands below {heading!r}")
    return code[1]


def run(
    script: str, folder: Path, programs: Path, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the commands of a block, and stop at the first that fails.

    Args:
        script: the block.
        folder: working directory.
        programs: directory of PostgreSQL's programs, which come first.
        variables: addresses that the commands use.

    Raises:
        RuntimeError: a command failed; with what the commands wrote to standard error.
    """
    path = f"{programs}:{_PROGRAMS}:{os.environ['PATH']}"
    kept = {k: v for k, v in clean_environment().items() if not k.startswith("BULK_IMPORT_")}
    done = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={**kept, "PATH": path, **variables},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{script}\nended with {done.returncode}: {done.stderr}")
    return done
