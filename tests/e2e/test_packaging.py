"""The source distribution, and the wheel built from it, installed into an empty environment."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.support.paths import CHECKOUT

VERSION: Final = "1.2.3"


class Distributions(NamedTuple):
    """What was built.

    Attributes:
        sdist: the source distribution, built from the tracked files.
        wheel: the wheel, built from the source distribution.
    """

    sdist: Path
    wheel: Path


def run(*command: object, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd="/", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def uv() -> Path:
    return Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory, uv: Path) -> Distributions:
    """Build as ``python -m build`` does: the wheel from the sdist, not from the checkout.

    The source is a copy of the files that git knows, so that no untracked file gets in. The build
    uses the packages of the test run instead of an isolated environment, and optimises little, both
    to be quick. (-O0 would keep unused functions of lxml's headers, which need libxml2.)
    """
    source = tmp_path_factory.mktemp("source")
    list_files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.check_output(list_files, cwd=CHECKOUT)
    subprocess.run(
        ["xargs", "-0", "cp", "--parents", "-t", source], input=names, cwd=CHECKOUT, check=True
    )
    out = tmp_path_factory.mktemp("dist")
    build = (uv, "build", "--quiet", "--no-build-isolation", "--python", sys.executable)
    stated = {"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_PROJECT_BULK_IMPORT": VERSION}
    run(*build, "--sdist", "--out-dir", out, source, environment=os.environ | stated)
    (sdist,) = out.glob("*.tar.gz")
    # The wheel has its version from the sdist alone.
    run(*build, "--wheel", "--out-dir", out, sdist, environment=os.environ | {"CFLAGS": "-O1"})
    (wheel,) = out.glob("*.whl")
    return Distributions(sdist, wheel)


def test_the_sdist_contains_every_file_of_the_package(distributions: Distributions) -> None:
    with tarfile.open(distributions.sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    tracked = subprocess.check_output(
        ["git", "ls-files", "service", "sql", "pyproject.toml", "setup.py", "README.md", "LICENSE"],
        cwd=CHECKOUT,
        text=True,
    )
    assert set(tracked.splitlines()) <= packed


def test_the_wheel_contains_the_sql_the_schema_and_the_licence(
    distributions: Distributions,
) -> None:
    packed = zipfile.ZipFile(distributions.wheel).namelist()
    sql = sorted(str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "sql").rglob("*.sql"))
    assert sorted(name for name in packed if name.endswith(".sql")) == [f"service/{s}" for s in sql]
    assert "service/formats/native/schema.xsd" in packed
    assert "service/py.typed" in packed
    page = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "service/web").rglob("*.*s")}
    assert page <= set(packed)
    assert "service/web/page/index.html" in packed
    assert any(name.endswith("licenses/LICENSE") for name in packed)
    assert not [name for name in packed if name.startswith("tests")]


def test_the_wheel_contains_every_module_and_no_cython_source(
    distributions: Distributions,
) -> None:
    packed = zipfile.ZipFile(distributions.wheel).namelist()
    modules = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "service").rglob("*.py")}
    assert modules <= set(packed)
    assert any(name.endswith(".so") for name in packed)
    assert not [name for name in packed if name.endswith((".pyx", ".pxi", ".c"))]


def test_the_wheel_migrates_and_imports_in_an_empty_environment(
    distributions: Distributions, uv: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    venv = tmp_path / "venv"
    run(uv, "venv", "--quiet", "--python", sys.executable, venv)
    python = venv / "bin" / "python"
    lock = CHECKOUT / "requirements.lock"
    install = (uv, "pip", "install", "--quiet", "--python", python, "--constraint", lock)
    run(*install, f"project-bulk-import[embedded] @ {distributions.wheel.as_uri()}")
    isolated = environment | {"PATH": os.defpath}
    run(python, "-c", "import service.formats.engine._fast.compiled", environment=isolated)
    program = venv / "bin" / "bulk-import"
    assert run(program, "--version", environment=isolated) == f"bulk-import {VERSION}\n"
    assert run(program, "migrate", environment=isolated) == "The schema is up to date.\n"
    assert "Demo" in run(program, "client", "list", environment=isolated)
    run(program, "sample", tmp_path / "some.xml", environment=isolated)
    report = run(program, "upload", tmp_path / "some.xml", "--client", 1, environment=isolated)
    assert "10 created" in report
