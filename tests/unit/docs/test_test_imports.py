"""Tests share code only through ``tests.support`` and ``tests.tools``."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import CHECKOUT

NAMESPACE = "urn:project-bulk-import:" + "1"
SHARED = ("tests.support", "tests.tools")
FILES = sorted((CHECKOUT / "tests").rglob("*.py"))


def imported_modules(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, also inside its functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_file_of_tests_imports_a_test_or_a_conftest() -> None:
    ours = [
        (path, name)
        for path in FILES
        for name in imported_modules(path)
        if name.startswith("tests.")
    ]
    assert [f"{path}: {name}" for path, name in ours if not name.startswith(SHARED)] == []


def test_the_native_namespace_is_written_only_in_the_service() -> None:
    written = [path.name for path in FILES if NAMESPACE in path.read_text("utf-8")]
    assert written == []
