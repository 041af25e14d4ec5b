"""Imports go from outer layers to inner ones, and never in a circle."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from tests.support.paths import CHECKOUT

PACKAGE = CHECKOUT / "service"

FROM_IMPORT = re.compile(r"^\s*from\s+([\w.]+)\s+c?import\s+(\([^)]*\)|[^\n#]+)", re.MULTILINE)
"""Of Cython: the module, and the names with their parentheses."""

# A layer imports itself and layers of a lower rank. Two layers of the same rank do not import
# each other.
RANKS = {
    "__main__": 7,
    "cli": 6,
    "app": 5,
    "http": 4,
    "projects": 3,
    "imports": 2,
    "formats": 1,
    "storage": 1,
    "samples": 1,
}
GROUND = 0
"""The rank of what every layer may import: model, spool, errors, settings, observability."""


def test_layers_import_only_lower_layers() -> None:
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in imports()
        if layer(importer) != layer(imported) and rank(importer) <= rank(imported) != GROUND
    ]
    assert wrong == []


def test_the_ground_imports_no_layer() -> None:
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in imports()
        if rank(importer) == GROUND and rank(imported) != GROUND
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for importer, imported in imports():
        graph.setdefault(importer, set()).add(imported)
    assert [*TopologicalSorter(graph).static_order()]


def test_the_imports_of_compiled_modules_are_read() -> None:
    compiled = {imported for importer, imported in imports() if importer.endswith("_fast.compiled")}
    assert {"service.formats.engine.record_parser", "service.tables"} <= compiled


def imports() -> Iterator[tuple[str, str]]:
    """Yield the modules of the package that each module imports, anywhere in its text."""
    paths = [path for suffix in ("py", "pyx", "pxi") for path in PACKAGE.rglob(f"*.{suffix}")]
    modules = {module_of(path) for path in paths}
    for path in paths:
        importer = module_of(path)
        read = python_imports if path.suffix == ".py" else cython_imports
        for module, name in read(path.read_text("utf-8")):
            qualified = f"{module}.{name}"
            imported = qualified if qualified in modules else module
            if imported in modules and imported != importer:
                yield importer, imported


def python_imports(text: str) -> Iterator[tuple[str, str]]:
    """Yield module and name of every import."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                module, _, name = alias.name.rpartition(".")
                yield module, name
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.module, alias.name


def cython_imports(text: str) -> Iterator[tuple[str, str]]:
    """Yield the same of Cython, which ``ast`` cannot parse."""
    for module, names in FROM_IMPORT.findall(text):
        for name in re.split(r"[\s,()]+", names):
            if name:
                yield module, name


def module_of(path: Path) -> str:
    """Return the module that a file is part of; a ``.pxi`` is part of the ``.pyx`` beside it."""
    if path.suffix == ".pxi":
        [path] = path.parent.glob("*.pyx")
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def layer(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def rank(module: str) -> int:
    return RANKS.get(layer(module), GROUND)
