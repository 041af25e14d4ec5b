"""A container of an image, as strict as Kubernetes' ``restricted`` with a read-only root.

Linux's own parts do: a mount and a process namespace, where the command is process 1, and no way to
more rights. The network is the machine's.
"""

import contextlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.tools.image.buildah import buildah

_ENTER: Final = """
set -e
mount --bind {root} {root}
mount -o remount,bind,ro {root}
mount --bind {spool} {root}/spool
mount --rbind /dev {root}/dev
mount -t proc proc {root}/proc
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+sys_chroot,+setuid,+setgid \
    chroot --userspec={user} --groups= {root} {command}
"""


class Image:
    """An image that is mounted; see ``mounted``.

    Args:
        configuration: as Docker has it.
        root: its files.
        spool: what its one writable directory holds.
    """

    def __init__(self, configuration: Mapping[str, Any], root: Path, spool: Path) -> None:
        self.configuration = configuration
        self.root = root
        self.spool = spool

    @property
    def environment(self) -> dict[str, str]:
        """What the image sets."""
        return dict(one.split("=", 1) for one in self.configuration["Env"])

    def start(self, command: Sequence[str], **settings: str) -> subprocess.Popen[str]:
        """Start a command in a new container."""
        script = _ENTER.format(
            root=self.root,
            spool=self.spool,
            user=self.configuration["User"],
            command=shlex.join(command),
        )
        return subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script],
            env=self.environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run its program with other arguments to its end."""
        return self.execute([*self.configuration["Entrypoint"], *arguments], **settings)

    def execute(self, command: Sequence[str], **settings: str) -> subprocess.CompletedProcess[str]:
        """Run any command to its end."""
        process = self.start(command, **settings)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(list(command), process.returncode, out, err)

    def serve(self, **settings: str) -> subprocess.Popen[str]:
        """Start what the image starts by itself."""
        return self.start(
            [*self.configuration["Entrypoint"], *self.configuration["Cmd"]], **settings
        )


@contextlib.contextmanager
def mounted(name: str, configuration: Mapping[str, Any]) -> Iterator[Image]:
    """An image's files, and a new volume for its spool, until the block ends."""
    container = buildah("from", "--pull=never", name)
    try:
        root = Path(buildah("mount", container))
        with tempfile.TemporaryDirectory(prefix="spool-", dir="/var/tmp") as spool:
            owner = (root / "spool").stat()
            os.chown(spool, owner.st_uid, owner.st_gid)
            yield Image(configuration, root, Path(spool))
    finally:
        buildah("rm", container)


def first_process(started: subprocess.Popen[str]) -> int:
    """The machine's number of a container's process 1."""
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
    return int(children[0])
