"""``bulk-import sample``: a file to try things with."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from service import samples


def sample(
    file: Annotated[Path, typer.Argument(help="Where to write it; - is standard output.")],
    dialect: Annotated[
        Literal["native", "mspdi", "p6"], typer.Option(help="What is written.")
    ] = "native",
    projects: Annotated[int, typer.Option(min=1, help="Projects in the file.")] = 10,
    tasks: Annotated[int, typer.Option(min=0, help="Tasks of each project.")] = 20,
    seed: Annotated[int, typer.Option(help="The same one gives the same file.")] = 1,
) -> None:
    """Write a file of made-up but realistic projects."""
    pieces = samples.write_sample(dialect, projects, tasks, seed)
    if str(file) == "-":
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        sys.stdout.writelines(pieces)
    else:
        with file.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(pieces)
