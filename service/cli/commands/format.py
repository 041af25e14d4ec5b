"""``bulk-import format``: try the description of a company's own XML, and write a first draft."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service.cli.help import HelpCommand
from service.cli.output import (
    PROJECTS_FAILED,
    REFUSED,
    SUCCESS,
    CommandError,
    DocumentWriter,
    print_error,
    print_json,
    print_line,
    replace_file,
)
from service.cli.tables import print_table

if TYPE_CHECKING:
    from service.formats.compression import InflatedFile
    from service.formats.custom.trial import Fault, Trial
    from service.formats.custom.usage import Usage
    from service.formats.format import Format
    from service.formats.limits import Limits

app = typer.Typer(
    help="Describe a company's own XML: check a format file, or draft one from an example.",
    no_args_is_help=True,
)

Example = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, metavar="EXAMPLE", help="A file to read.")
]
_MAX_MEMBERS: Final = 50
"""Members of attributes, and kinds of faults, that a table lists."""


@app.command(cls=HelpCommand)
def check(
    format_file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, metavar="FORMAT", help="A format file.")
    ],
    example: Example,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Show what an example would store with a format file; nothing is sent or stored."""
    from service.formats.custom.trial import Trial
    from service.formats.limits import Limits

    file_format = _load(format_file)
    trial = Trial()
    limits = Limits()
    with _open_example(example, limits) as files:
        for each in files:
            trial.read(file_format, each, limits)
    if as_json:
        print_json(trial.as_dict())
    else:
        _print_trial(trial, f"{format_file.name} reads {example.name}")
    raise typer.Exit(SUCCESS if trial.clean else PROJECTS_FAILED)


@app.command(cls=HelpCommand)
def guess(
    example: Example,
    output: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="File to write; by default standard output."),
    ] = None,
) -> None:
    """Write a first draft of a format file from an example."""
    from service.formats.custom.loader import FormatFault, parse_format
    from service.formats.custom.trial import Trial
    from service.formats.guess.draft import draft_format
    from service.formats.limits import Limits

    limits = Limits()
    with _open_example(example, limits) as files:
        draft = draft_format(next(files), "" if output is None else output.stem)
    if draft is None:
        raise CommandError(f"{example}: no element looks like a task, with an id and a date")
    text = draft.write()
    try:
        file_format = parse_format(text, "draft")
        if draft.doubts_links:
            trial = Trial()
            with _open_example(example, limits) as files:
                trial.read(file_format, next(files), limits)
            draft.swapped = trial.links_reversed
            text = draft.write()
    except FormatFault as error:
        for fault in error.faults:
            print_error(fault)
    if output is None:
        DocumentWriter().write(text.encode())
        sys.stdout.flush()
        return
    with replace_file(output) as file:
        file.write(text.encode())
    print_line(f"Wrote {output}. Look for CHECK in it, then run:")
    print_line(f"bulk-import format check {output} {example}")


@app.command(cls=HelpCommand)
def schema() -> None:
    """Print the JSON Schema of a format file, for an editor that completes and checks TOML."""
    from service.formats.custom.language import json_schema

    print_json(json_schema())


def _load(path: Path) -> "Format":
    """Load a format file, or print its faults and exit."""
    from service.formats.custom.loader import FormatFault, read_format

    try:
        return read_format(path)
    except FormatFault as error:
        for fault in error.faults:
            print_error(fault)
        raise typer.Exit(REFUSED) from error


@contextmanager
def _open_example(path: Path, limits: "Limits") -> "Iterator[Iterator[InflatedFile]]":
    """Open an example: one file, or the files of a ZIP.

    Raises:
        CommandError: it cannot be read.
    """
    from service.errors import FileRefused, FileTooLarge
    from service.formats.compression import inflate_files
    from service.formats.custom.trial import describe_fault

    try:
        with path.open("rb") as file:
            yield inflate_files(file, limits)
    except (FileRefused, FileTooLarge) as error:
        raise CommandError(f"{path}: {describe_fault(error)}") from error


def _print_trial(trial: "Trial", subject: str) -> None:
    counts = ", ".join(f"{table.rows} {name}" for name, table in trial.tables.items())
    print_line(f"{subject}: {counts}")
    for name, table in trial.tables.items():
        if table.columns:
            print_table(f"\n{name}", ("column", "rows", "examples"), _rows(table.columns))
        title = "in parts" if name == "parts" else f"in attributes of {name}"
        members = _rows(table.attributes)
        columns = ("element", "rows", "examples")
        print_table(f"\n{title}", columns, members[:_MAX_MEMBERS], len(members))
    _print_faults(trial)


def _rows(usages: "Mapping[str, Usage]") -> list[tuple[str, int, str]]:
    return [
        (name, usage.count, _quote(usage.examples)) for name, usage in usages.items() if usage.count
    ]


def _quote(values: list[str]) -> str:
    """Return texts in quotes, and the content of elements as the JSON that it is."""
    return ", ".join(
        value if value.startswith('{"') else json.dumps(value, ensure_ascii=False)
        for value in values
    )


def _print_faults(trial: "Trial") -> None:
    if trial.clean:
        print_line("No faults.")
        return
    faults = [
        (_lines(each), each.count, each.element, _quote(each.values), _problem(each))
        for each in trial.faults
    ]
    columns = ("line", "times", "element", "values", "fault")
    print_table("\nfaults", columns, faults[:_MAX_MEMBERS], len(faults) + trial.omitted)
    for refusal in trial.refusals[:_MAX_MEMBERS]:
        name = refusal.external_id or refusal.name or "a project"
        print_line(f"line {refusal.line}: {name} would be refused: {refusal.message}")
    if trial.refused > _MAX_MEMBERS:
        print_line(f"{trial.refused} projects would be refused")
    for warning in trial.warnings:
        print_line(warning)
    if trial.links_reversed:
        print_line(
            f"{trial.backward} links lead to a task that starts earlier, {trial.forward} to one "
            "that starts later: is predecessor_id the successor?"
        )
    if trial.broken:
        print_line(f"the file breaks off: {trial.broken}")


def _lines(fault: "Fault") -> str:
    more = "…" if fault.count > len(fault.lines) else ""
    return ", ".join(map(str, fault.lines)) + more


def _problem(fault: "Fault") -> str:
    if fault.code is None:
        return f"{fault.problem}; the project is refused"
    return f"{fault.code}: {fault.code.cause}"
