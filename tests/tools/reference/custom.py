"""The format files of the worked examples, and what their examples store."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from service.formats.custom.loader import read_format
from service.formats.custom.trial import Trial
from service.formats.custom.usage import TableUsage, Usage
from service.formats.limits import Limits
from tests.support.paths import CHECKOUT
from tests.tools.reference.markdown import codes, table

FOLDER: Final = CHECKOUT / "docs/formats"


def show_file(name: str) -> str:
    """Return a file of the folder as a code block."""
    path = FOLDER / name
    return f"```{path.suffix[1:]}\n{path.read_text('utf-8')}```\n"


def show_trial(names: str) -> str:
    """Return what an example stores with a format file, as a table."""
    format_file, example = (FOLDER / name for name in names.split())
    trial = Trial()
    with example.open("rb") as source:
        trial.read(read_format(format_file), source, Limits())
    assert trial.clean, trial.as_dict()
    rows = (row for name, each in trial.tables.items() for row in _rows(name, each))
    return table(("Table", "Column", "Rows", "First values"), rows)


def _rows(name: str, usage: TableUsage) -> Iterator[tuple[str, str, int, str]]:
    shown = f"`{name}`"
    for column, each in usage.columns.items():
        if each.count:
            yield shown, f"`{column}`", each.count, _values(each.examples)
            shown = ""
    if usage.attributes:
        yield shown, "`attributes`", _most(usage.attributes), codes(usage.attributes)


def _most(usages: Mapping[str, Usage]) -> int:
    return max(each.count for each in usages.values())


def _values(examples: list[str]) -> str:
    return codes(json.dumps(each, ensure_ascii=False) for each in examples)


TEXTS: Final[dict[str, Callable[[str], str]]] = {"file": show_file, "trial": show_trial}
"""The generators, by the name in a marker."""
