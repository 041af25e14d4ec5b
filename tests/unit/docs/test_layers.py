"""Imports go one way: from the outside in, and never in a circle."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from tests.support.paths import CHECKOUT

PACKAGE = CHECKOUT / "service"

# A room imports itself and rooms of a lower rank; two of the same rank know nothing of each other.
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
"""What every room may use: model, spool, errors, settings, observability."""


def test_rooms_import_only_what_lies_below_them() -> None:
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in imports()
        if room(importer) != room(imported) and rank(importer) <= rank(imported) != GROUND
    ]
    assert wrong == []


def test_what_every_room_uses_imports_no_room() -> None:
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in imports()
        if rank(importer) == GROUND and rank(imported) != GROUND
    ]
    assert wrong == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph: dict[str, set[str]] = {}
    for importer, imported in imports():
        graph.setdefault(importer, set()).add(imported)
    assert [*TopologicalSorter(graph).static_order()]


def imports() -> Iterator[tuple[str, str]]:
    """Which module of the package imports which, wherever in it."""
    modules = {name(path): path for path in PACKAGE.rglob("*.py")}
    for importer, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    imported = whole if whole in modules else node.module
                    if imported in modules and imported != importer:
                        yield importer, imported


def name(path: Path) -> str:
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def rank(module: str) -> int:
    return RANKS.get(room(module), GROUND)
