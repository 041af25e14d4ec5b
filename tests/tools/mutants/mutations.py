"""Prints a sample of mutants, one JSON object a line; runs in an environment with cosmic-ray.

    uv run --no-project --with cosmic-ray python mutations.py SEED NUMBER FILE...

Operators of cosmic-ray and ``DeleteStatement`` mutate Python files. In files of queries, a mutation
makes one condition of a WHERE clause always true. The sample takes places of the files at random,
and of each place one mutation at random. It leaves out log calls, annotations, assertions and
options of dataclasses.
"""

import ast
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

BINARY: Final = ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_Mul")
COMPARISONS: Final = (
    *("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is"),
    *("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Lt_GtE", "LtE_Gt", "Gt_LtE", "GtE_Lt"),
)
OPERATORS: Final = (
    *(f"ReplaceBinaryOperator_{each}" for each in BINARY),
    *(f"ReplaceComparisonOperator_{each}" for each in COMPARISONS),
    *("ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_USub_UAdd", "AddNot"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer"),
    *("NumberReplacer", "RemoveDecorator", "ZeroIterationForLoop"),
)


class Mutation(NamedTuple):
    """One way to change a file; ``apply`` returns its new text, or None if nothing is changed."""

    path: str
    operator: str
    apply: Callable[[], str | None]


Places = dict[tuple[object, ...], list[Mutation]]
"""Mutations by their place in the files; those at one place are variants of each other."""


class DeleteStatement:
    """Deletes a statement of a function: a call, an assignment to an attribute, raise or return."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[object, object]]:
        if node.type != "simple_stmt" or not _is_in_function(node):
            return
        statement = node.children[0]
        if _is_deletable(statement):
            yield statement.start_pos, statement.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        statement = node.children[0]
        node.children[0] = get_ast("pass").children[0]
        node.children[0].prefix = statement.get_first_leaf().prefix
        return node


def _is_in_function(node: Any) -> bool:
    while node is not None and node.type not in ("funcdef", "classdef"):
        node = node.parent
    return node is not None and node.type == "funcdef" and node.name.value != "__init__"


def _is_deletable(statement: Any) -> bool:
    if statement.type == "expr_stmt":
        target, operator = statement.children[:2]
        is_augmented = operator.get_code().strip().endswith("=") and len(operator.get_code()) > 2
        return bool(target.type == "atom_expr" or is_augmented)
    names = ("atom_expr", "raise_stmt", "del_stmt", "await_expr")
    return bool(statement.type in names or statement.get_code().strip() == "return")


def find_in_python(path: str, source: str, places: Places) -> None:
    """Add the mutations of a Python file."""
    operators = [(name, get_operator(f"core/{name}")()) for name in OPERATORS]
    nodes = [*ast_nodes(get_ast(source))]
    for name, operator in [*operators, ("DeleteStatement", DeleteStatement())]:
        positions = [position for node in nodes for position in operator.mutation_positions(node)]
        for occurrence, (start, _) in enumerate(positions):
            apply = partial(_mutate_python, source, operator, occurrence)
            place = (path, name.partition("_")[0], *start)
            places.setdefault(place, []).append(Mutation(path, name, apply))


def _mutate_python(source: str, operator: Any, occurrence: int) -> str | None:
    text: str | None = mutate_code(source, operator, occurrence)
    return text if text is not None and _normalize(text) != _normalize(source) else None


class _Normalizer(ast.NodeTransformer):
    """Removes what mutants leave out: annotations, log calls, dataclass options, ``__repr__``."""

    def visit_FunctionDef(self, node: Any) -> Any:
        if node.name == "__repr__":
            return ast.Pass()
        node.returns = None
        for arg in (each for each in ast.walk(node.args) if isinstance(each, ast.arg)):
            arg.annotation = None
        # A mutation of ``*`` to ``/`` has no other effect than to refuse or accept names.
        args = node.args
        args.args = [*args.posonlyargs, *args.args, *args.kwonlyargs]
        args.defaults += [each for each in args.kw_defaults if each is not None]
        args.posonlyargs = args.kwonlyargs = args.kw_defaults = []
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> Any:
        value = node.value.func if isinstance(node.value, ast.Call) else node.value
        while isinstance(value, ast.Attribute):
            value = value.value
        is_log = isinstance(value, ast.Name) and value.id == "_log"
        return ast.Pass() if is_log or isinstance(value, ast.Constant) else self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        node.decorator_list = [
            each.func if isinstance(each, ast.Call) else each for each in node.decorator_list
        ]
        return self.generic_visit(node)

    def visit_Assert(self, _node: ast.Assert) -> Any:
        return ast.Pass()


def _normalize(source: str) -> str | None:
    try:
        return ast.dump(_Normalizer().visit(ast.parse(source)))
    except SyntaxError:
        return None


_CONDITION: Final = re.compile(
    r"(\b(?:WHERE|AND)\s+)((?:(?!\bAND\b|\bOR\b|\bWHERE\b).)+?)(?=\s+AND\b|$)"
)


def find_in_queries(path: str, source: str, places: Places) -> None:
    """Add the mutations of a file of queries: a condition on one line becomes true."""
    lines = source.splitlines(keepends=True)
    for number, line in enumerate(lines):
        for match in _CONDITION.finditer(line.rstrip("\n")):
            condition = match[2].rstrip()
            whole = condition.count("(") == condition.count(")")
            if whole and "::text IS NULL" not in condition and not line.startswith("--"):
                changed = f"{line[: match.start(2)]}({condition} OR true){line[match.end(2) :]}"
                text = "".join([*lines[:number], changed, *lines[number + 1 :]])
                mutation = Mutation(path, "TrueCondition", partial(str, text))
                places[path, number, match.start()] = [mutation]


def main(seed: int, number: int, paths: list[str]) -> None:
    places: Places = {}
    for path in sorted(paths):
        find = find_in_queries if path.endswith(".sql") else find_in_python
        find(path, Path(path).read_text(), places)
    chance = random.Random(seed)
    order = list(places.values())
    chance.shuffle(order)
    for variants in order:
        mutation = chance.choice(variants)
        text = mutation.apply() if number else None
        if text is not None:
            number -= 1
            mutant = {"path": mutation.path, "operator": mutation.operator, "text": text}
            print(json.dumps(mutant))
    print(len(order), "places", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
