"""Build images without a Docker engine or a registry: buildah, and replacements for Python's.

All of it is kept under ``/var/tmp``, or ``TMPDIR``, so that a second run has the bases already.
"""

import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.support.paths import CHECKOUT

CACHE: Final = Path(os.environ.get("TMPDIR", "/var/tmp")) / "bulk-import-image"
CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"

# What python:…-slim has, and beyond it what python:… has and building wants.
SLIM: Final = ("python3", "python3-venv", "libpython3-dev", "ca-certificates")
FULL: Final = ("gcc", "libc6-dev")


def buildah(*arguments: object) -> str:
    """What a command of buildah prints.

    Raises:
        RuntimeError: it fails; contains the end of its output.
    """
    places = (f"--root={CACHE / 'storage'}", f"--runroot={CACHE / 'run'}")
    command = ("buildah", "--storage-driver=vfs", *places, *map(str, arguments))
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT)
    if done.returncode:
        said = (done.stdout + done.stderr).splitlines()
        raise RuntimeError("\n".join([f"buildah {arguments[0]} failed:", *said[-20:]]))
    return done.stdout.strip()


def limits() -> list[str]:
    """Our own limits, as a sandbox may not be allowed to raise them to buildah's."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    processes, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    return [f"--ulimit=nofile={files}:{files}", f"--ulimit=nproc={processes}:{processes}"]


def base_names() -> tuple[str, str]:
    """The images that the Dockerfile builds in and on."""
    text = (CHECKOUT / "Dockerfile").read_text("utf-8")
    build, base = re.findall(r"^ARG (?:BUILD|BASE)=(\S+)$", text, re.M)
    return build, base


def make_bases() -> None:
    """Build replacements for the base images, under the names of those images."""
    build, base = (f"docker.io/library/{name}" for name in base_names())
    if not buildah("images", "--quiet", f"--filter=reference={base}"):
        _make_slim(base)
    if not buildah("images", "--quiet", f"--filter=reference={build}"):
        _make_full(base, build)


def build(name: str, **arguments: str) -> dict[str, Any]:
    """Build the Dockerfile with build arguments.

    Returns:
        The image's configuration, as Docker has it.
    """
    how = ("--isolation=chroot", "--format=docker", "--pull=never", *limits())
    given = [f"--build-arg={argument}={value}" for argument, value in arguments.items()]
    buildah("build", *how, *given, f"--tag={name}", ".")
    found = json.loads(buildah("inspect", "--type=image", name))["Docker"]
    assert isinstance(found, dict)
    return found


def _make_slim(name: str) -> None:
    tree = Path(tempfile.mkdtemp(dir=CACHE, prefix="tree-"))
    packages = f"--include={','.join(SLIM)}"
    try:
        subprocess.run(
            ["debootstrap", "--variant=minbase", packages, "trixie", tree],
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin"},
            check=True,
        )
        # python:…-slim has no byte-code either.
        compiled = (tree / "usr").rglob("__pycache__")
        for litter in (tree / "var/cache/apt/archives", tree / "var/lib/apt/lists", *compiled):
            shutil.rmtree(litter)
        # The machine's own, which a proxy's certificate may be among.
        shutil.copy(CERTIFICATES, tree / CERTIFICATES.lstrip("/"))
        container = buildah("from", *limits(), "scratch")
        buildah("add", container, tree, "/")
    finally:
        shutil.rmtree(tree)
    buildah("config", f"--env=PIP_CERT={CERTIFICATES}", container)
    buildah("commit", "--rm", container, name)


def _make_full(slim: str, name: str) -> None:
    container = buildah("from", "--pull=never", *limits(), slim)
    install = (
        f"apt-get -qq update && apt-get -qq install -y --no-install-recommends {' '.join(FULL)}"
    )
    buildah("run", "--isolation=chroot", container, "--", "sh", "-c", install)
    buildah("commit", "--rm", container, name)


def size(name: str) -> str:
    """An image's size, all layers unpacked."""
    return buildah("images", "--format={{.Size}}", name)
