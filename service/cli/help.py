"""What commands print about themselves: help with examples, and the advice after Ctrl-C."""

from collections.abc import Mapping
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

from service.cli.output import print_error

_WORDS: Final = {
    "arguments": "ARGUMENT",
    "check": "NAME",
    "client": "ID",
    "client_id": "ID",
    "csv": "FILE",
    "external_id": "ID",
    "file": "FILE",
    "files": "FILE",
    "hours": "HOURS",
    "key": "KEY",
    "limit": "NUMBER",
    "name": "NAME",
    "notes": "TEXT",
    "output": "FILE",
    "partitions": "NUMBER",
    "processes": "NUMBER",
    "projects": "NUMBER",
    "reason": "TEXT",
    "scope": "SCOPES",
    "seed": "NUMBER",
    "source": "FORMAT",
    "subject": "NAME",
    "tasks": "NUMBER",
    "changed_since": "TIME",
    "token": "TOKEN",
    "url": "URL",
}
"""The words for values of parameters that name none."""

_EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "serve": ("bulk-import serve", "bulk-import serve --processes 4"),
    "migrate": ("bulk-import migrate", "bulk-import migrate --check --wait 60"),
    "psql": (
        "bulk-import psql",
        "bulk-import psql -c 'SELECT name, finish FROM current_projects'",
    ),
    "prune": ("bulk-import prune",),
    "token": (
        "bulk-import token --client 1",
        "bulk-import token --client 1 --client 2 --scope projects:read --hours 8",
    ),
    "upload": (
        "bulk-import upload plan.xml --client 1",
        "bulk-import upload nightly/ --client 1 --csv failures.csv",
        "bulk-import upload big.xml --client 1 --url https://import.example.com --split",
        "bulk-import upload plan.xml --client 1 --dry-run",
    ),
    "watch": ("bulk-import watch 12 --client 1",),
    "imports": (
        "bulk-import imports --client 1",
        "bulk-import imports --client 1 --result partial",
        "bulk-import imports --client 1 --text nightly --json",
    ),
    "projects": (
        "bulk-import projects --client 1",
        "bulk-import projects --client 1 --text bridge",
        "bulk-import projects --client 1 --changed-since 2026-01-05T08:00:00Z --json",
    ),
    "export": (
        "bulk-import export 7 --client 1 --output plan.xml",
        "bulk-import export --external-id P-100 --client 1 --output plan.xml",
    ),
    "compare": (
        "bulk-import compare 7 1 2 --client 1",
        "bulk-import compare 7 2 --client 1 --against-baseline",
    ),
    "checks": (
        "bulk-import checks 7 --client 1",
        "bulk-import checks 7 --client 1 --check open_ends",
    ),
    "label": (
        "bulk-import label 7 2 'Approved' --client 1",
        "bulk-import label 7 2 --client 1 --remove",
    ),
    "cancel": ("bulk-import cancel 12 --client 1",),
    "undo": ("bulk-import undo 12 --client 1",),
    "unlock": (
        "bulk-import unlock 7 --client 1",
        "bulk-import unlock 7 --client 1 --reason 'Ann is on holiday'",
    ),
    "sample": (
        "bulk-import sample plans.xml",
        "bulk-import sample big.xml --dialect p6 --projects 500 --tasks 300",
    ),
    "client add": ("bulk-import client add 1 --name Demo",),
    "client list": ("bulk-import client list",),
    "client disable": ("bulk-import client disable 1",),
    "client enable": ("bulk-import client enable 1",),
    "client remove": ("bulk-import client remove 1 --force",),
    "format check": ("bulk-import format check acme.toml plan.xml",),
    "format guess": ("bulk-import format guess plan.xml --output acme.toml",),
    "format schema": ("bulk-import format schema > format.json",),
}
"""The examples of each command, by its name."""

_AFTER_CTRL_C: Final[Mapping[str, str]] = {
    "cancel": "The request may have been sent: `bulk-import imports` shows the state.",
    "client add": "Run the same command again: nothing or the whole client was added.",
    "client remove": "A part of the client may be removed: run the same command again to finish.",
    "export": "No file was written.",
    "migrate": "Each migration is applied or not: run the same command again to continue.",
    "prune": "What was deleted is gone. The next round continues.",
    "sample": "No file was written.",
    "undo": "The undo may go on: `bulk-import imports` shows it.",
    "watch": "The import goes on: run the same command again to follow it.",
}
"""What was kept after Ctrl-C, and how to go on; ``upload`` prints it itself."""

_PLAIN: Final = {"x>=0": "", "x>=1": "", "0<=x<=999999999999999999": ""}
"""Ranges that need no words; the others are printed as from and to."""


class HelpCommand(TyperCommand):
    """A command whose help has words for values, whole sentences and examples."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for param in self.params:
            if getattr(param, "metavar", None) is None and not getattr(param, "is_flag", False):
                param.metavar = _WORDS.get(param.name or "")

    def invoke(self, ctx: Any) -> Any:
        """Run the command; after Ctrl-C, print what was kept."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            if advice := _AFTER_CTRL_C.get(ctx.command_path.partition(" ")[2]):
                print_error(f"Interrupted. {advice}")
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return arguments, the options that are needed, and that there are others."""
        arguments = [each for each in self.params if each.param_type_name == "argument"]
        words = [(each.required, _value_word(each, ctx)) for each in arguments]
        pieces = [word if required else f"[{word}]" for required, word in words]
        needed = [each for each in self.params if each.required and each not in arguments]
        pieces += [f"{each.opts[0]} {_value_word(each, ctx)}" for each in needed]
        return [*pieces, "[OPTIONS]"]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what each argument and option means."""
        rows: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
        for param in self.get_params(ctx):
            if not getattr(param, "hidden", False):
                rows[param.param_type_name].append((_left(param, ctx), _describe(param, ctx)))
        for kind, title in (("argument", "Arguments"), ("option", "Options")):
            if rows[kind]:
                with formatter.section(title):
                    formatter.write_dl(rows[kind], col_max=26)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        name = ctx.command_path.partition(" ")[2]
        if examples := _EXAMPLES.get(name):
            with formatter.section("Examples" if len(examples) > 1 else "Example"):
                for example in examples:
                    formatter.write(f"  {example}\n")


class HelpGroup(TyperGroup):
    """A group of commands whose help has a whole sentence for each."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by section, then the options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                section = getattr(command, "rich_help_panel", None) or "Commands"
                text = " ".join((command.help or "").partition("\n\n")[0].split())
                sections.setdefault(str(section), []).append((name, text))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)
        with formatter.section("Options"):
            formatter.write_dl(
                [(_left(param, ctx), _describe(param, ctx)) for param in self.get_params(ctx)]
            )
        path = ctx.command_path
        formatter.write(f"\n`{path} COMMAND --help` has the options and examples of a command.\n")


def _value_word(param: Any, ctx: Any) -> str:
    """Return the word for the value of a parameter, or its choices."""
    kind = param.type_descriptor
    if param.metavar is None and kind.is_choice:
        return str(param.display_type(ctx)).strip("<>")
    word = (param.metavar or param.name.upper()).strip("[]")
    several = param.nargs != 1 and param.param_type_name == "argument"
    return f"{word}…" if several else word


def _left(param: Any, ctx: Any) -> str:
    if param.param_type_name == "argument":
        return _value_word(param, ctx)
    names = ", ".join(param.opts)
    return names if param.is_flag else f"{names} {_value_word(param, ctx)}"


def _describe(param: Any, ctx: Any) -> str:
    """Return the help of a parameter, and what else a user must know, as sentences."""
    parts = [(param.help or "").rstrip(".")]
    span = param._get_number_range_help_str() or ""
    span = _PLAIN.get(span, span)
    if span:
        parts.append(f"From {param.min} to {param.max}" if "<=x<=" in span else span)
    default = param.default
    if param.required:
        parts.append("Required")
    elif isinstance(default, int | float | str) and not isinstance(default, bool) and default != "":
        parts.append(f"Default: {default}")
    if getattr(param, "envvar", None):
        parts.append(f"Or set {param.envvar}")
    return " ".join(f"{part}." for part in parts if part)
