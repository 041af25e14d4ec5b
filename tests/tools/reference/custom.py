"""The format files of the worked examples, and what their examples store."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from service.formats.custom.loader import read_format
from service.formats.limits import Limits
from service.formats.tally import TableTally, Tally
from service.formats.trial import Trial
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


def _rows(name: str, tally: TableTally) -> Iterator[tuple[str, str, int, str]]:
    shown = f"`{name}`"
    for column, each in tally.columns.items():
        if each.count:
            yield shown, f"`{column}`", each.count, _values(each.examples)
            shown = ""
    if tally.attributes:
        yield shown, "`attributes`", _most(tally.attributes), codes(tally.attributes)


def _most(tallies: Mapping[str, Tally]) -> int:
    return max(each.count for each in tallies.values())


def _values(examples: list[str]) -> str:
    return codes(json.dumps(each, ensure_ascii=False) for each in examples)


TEXTS: Final[dict[str, Callable[[str], str]]] = {"file": show_file, "trial": show_trial}
"""The generators, by the name in a marker."""
