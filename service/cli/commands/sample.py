"""``bulk-import sample``: write a file of invented projects."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from service.cli.output import format_size, replace_file


def sample(
    file: Annotated[Path, typer.Argument(help="File to write; - is standard output.")],
    dialect: Annotated[
        Literal["native", "mspdi", "p6", "xer"], typer.Option(help="Format of the file.")
    ] = "native",
    projects: Annotated[int, typer.Option(min=1, help="Number of projects.")] = 10,
    tasks: Annotated[int, typer.Option(min=0, help="Number of tasks in each project.")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed writes the same file.")] = 1,
) -> None:
    """Write a file of made-up but realistic projects."""
    from service import samples
    from service.cli.progress import status

    begun = written = 0

    def begin(project: int) -> None:
        nonlocal begun
        begun = project

    chunks = samples.write_sample(dialect, projects, tasks, seed, on_project=begin)
    if str(file) == "-":
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        sys.stdout.writelines(chunks)
        return

    def describe() -> str:
        return f"Writing {file.name}: project {begun} of {projects}, {format_size(written)}"

    with replace_file(file) as out, status(describe):
        for chunk in chunks:
            written += out.write(chunk.encode())
