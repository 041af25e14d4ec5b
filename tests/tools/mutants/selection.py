"""Which files are mutated, and which tests have to notice a mutation."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

FOLDERS: Final = ("service/imports", "service/storage")
LEFT_OUT: Final = "service/storage/embedded"
QUERIES: Final = (
    "advisory_locks",
    "clients",
    "imports",
    "outcomes",
    "undo",
    "version_copy",
    "writer",
)
_HTTP: Final = (
    *("keys", "endings", "atomic", "options", "cancel", "undo", "reading", "metrics", "clients"),
    *("cut_short", "contract", "compressed", "ready", "logs"),
)
_STORAGE: Final = ("clients", "pool", "watchdog", "roles", "migrate", "partitions", "plans")
TESTS: Final = (
    *("tests/unit/imports", "tests/unit/spool", "tests/integration/imports"),
    *(f"tests/integration/http/test_{name}.py" for name in _HTTP),
    *(f"tests/integration/storage/test_{name}.py" for name in _STORAGE),
    "tests/integration/projects/test_archive.py",
    "tests/integration/projects/test_locks.py",
    "tests/integration/faults/test_commits.py",
    "tests/integration/faults/test_connection.py",
)
BUDGET: Final = 120.0
"""Seconds of tests for a mutant, as they took without one. Short tests come first."""

Traces = Mapping[str, tuple[float, list[str]]]
"""By test, how long it took and the functions that it entered, as ``tracing`` writes them."""


def mutated_files(checkout: Path) -> Iterator[str]:
    """Yield the files that are mutated, below the checkout."""
    for folder in FOLDERS:
        for file in sorted((checkout / folder).rglob("*.py")):
            path = str(file.relative_to(checkout))
            if not path.startswith(LEFT_OUT):
                yield path
    yield from (f"sql/queries/{name}.sql" for name in QUERIES)


def select_tests(checkout: Path, path: str, line: int, traces: Traces) -> list[str]:
    """Return the tests that enter the function of a line, the shortest first."""
    if path.endswith(".sql"):
        functions = {
            *_functions_with_query(checkout, Path(path).stem, _query_at(checkout, path, line))
        }
    else:
        functions = {_function_at(checkout, path, line)}
    found = [
        (seconds, test)
        for test, (seconds, entered) in traces.items()
        if any(each in functions or each.partition(":")[0] in functions for each in entered)
    ]
    if not found:  # only entered before the first test
        found = [(seconds, test) for test, (seconds, _) in traces.items()]
    selected: list[str] = []
    left = BUDGET
    for seconds, test in sorted(found):
        if (left := left - seconds) > 0:
            selected.append(test)
    return selected


def _function_at(checkout: Path, path: str, line: int) -> str:
    """Return the innermost function of a line; the file for a line outside all functions."""
    found = path
    for node in ast.walk(ast.parse((checkout / path).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if node.end_lineno is not None and first <= line <= node.end_lineno:
                found = f"{path}:{first}"  # the walk finds outer functions first
    return found


def _query_at(checkout: Path, path: str, line: int) -> str:
    """Return the name of the query at a line."""
    lines = (checkout / path).read_text().splitlines()[:line]
    return next(
        each.removeprefix("-- name: ") for each in lines[::-1] if each.startswith("-- name: ")
    )


def _functions_with_query(checkout: Path, file: str, query: str) -> Iterator[str]:
    """Yield the functions that use a query of a file."""
    used = re.compile(rf"\bSQL\.{query}\b|\b_SQL\.{query}\b")
    for module in sorted((checkout / "service").rglob("*.py")):
        text = module.read_text()
        if f'Queries("{file}")' in text:
            for number, line in enumerate(text.splitlines(), 1):
                if used.search(line):
                    yield _function_at(checkout, str(module.relative_to(checkout)), number)
