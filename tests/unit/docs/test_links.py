"""What the documents name exists: files, headings, make targets, settings, commands, parameters.

Every make target, command, option and parameter is documented as well.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer.main

from service.cli.app import app
from service.settings import Settings
from tests.support.openapi.document import operations
from tests.support.paths import CHECKOUT
from tests.tools.reference.service import variable

DOCUMENTS: Final = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")])
TEXTS: Final = {path: path.read_text("utf-8") for path in DOCUMENTS}
MAKEFILE: Final = (CHECKOUT / "Makefile").read_text("utf-8")
TARGETS: Final = set(re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.M)[0].split())
COMMON: Final = {"--client", "--url", "--token", "--json"}
"""Options that are documented once, for all commands that call a service."""

every_document = pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT))
)


def anchors(text: str) -> set[str]:
    """The headings of a document, as GitHub makes addresses of them."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", head).lower().replace(" ", "-") for head in heads}


@every_document
def test_links_lead_to_existing_files_and_headings(path: Path) -> None:
    for link in re.findall(r"""(?:\]\(|\bsrc="|\bsrcset=")([^)"\s]+)""", TEXTS[path]):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


@every_document
def test_files_named_in_the_documents_exist(path: Path) -> None:
    rooms = (
        "service|tests|docs|samples|scripts|sql|k8s|cli|formats|http|imports|observability|projects|"
        "spool|storage|web"
    )
    bases = (CHECKOUT, CHECKOUT / "service", path.parent)
    for name in re.findall(rf"`((?:{rooms})/[\w./-]*)`", TEXTS[path]):
        assert any((base / name).exists() for base in bases), name


@every_document
def test_targets_and_settings_named_in_the_documents_exist(path: Path) -> None:
    assert set(re.findall(r"\bmake ([a-z][a-z0-9-]+)(?=[` \n])", code(TEXTS[path]))) <= TARGETS
    known = {variable(name) for name in Settings.model_fields} | {"BULK_IMPORT_TOKEN"}
    assert set(re.findall(r"\bBULK_IMPORT_[A-Z_]+\b", TEXTS[path])) <= known


@every_document
def test_a_page_has_at_most_1500_words(path: Path) -> None:
    assert path.name == "CHANGELOG.md" or len(TEXTS[path].split()) <= 1500


def code(text: str) -> str:
    """Return the text of code spans and code blocks, one a line."""
    return "\n".join(re.findall(r"^```\w*\n.*?^```$|`[^`\n]+`", text, re.M | re.S)) + "\n"


@pytest.mark.parametrize("target", sorted(TARGETS - {"help"}))
def test_every_make_target_is_documented(target: str) -> None:
    text = code(TEXTS[CHECKOUT / "docs" / "contribute" / "make-targets.md"])
    assert f'"make {target} ' in MAKEFILE
    assert re.search(rf"\bmake {target}(?![\w-])", text)


def commands(group: Any = None, before: str = "") -> Iterator[tuple[str, set[str]]]:
    """Every command by its whole name, with its options."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} ")
        elif not command.hidden:
            named = {option for each in command.params for option in each.opts}
            yield before + name, {option for option in named if option.startswith("--")}


def documentation_of(name: str) -> str:
    """Return what documents a command: the rows that begin with it, and its page."""
    folder = CHECKOUT / "docs" / "reference" / "cli"
    text = TEXTS[CHECKOUT / "docs" / "operate" / "run.md"] + TEXTS[folder / "commands.md"]
    rows = re.findall(rf"^\| `(?:bulk-import )?{name}[ `].*$", text, re.M)
    return "\n".join([*rows, TEXTS.get(folder / f"{name}.md", "")])


@pytest.mark.parametrize(("name", "options"), [*commands()])
def test_every_command_is_documented_with_its_options(name: str, options: set[str]) -> None:
    text = documentation_of(name)
    assert text
    given = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    assert options - COMMON == given - COMMON


def test_commands_named_in_the_documents_exist() -> None:
    known = {name for name, _ in commands()} | {"client", "format"}
    for path, text in TEXTS.items():
        for command in re.findall(r"(?<!-n )\bbulk-import ([a-z]+)", code(text)):
            assert command in known, (path.name, command)


def test_every_query_parameter_is_documented() -> None:
    folder = CHECKOUT / "docs" / "reference" / "api"
    docs = "".join(text for path, text in TEXTS.items() if path.parent == folder)
    for name in {name for each in operations() for name in each.query}:
        assert re.search(rf"`{name}`|[?&]{name}=", docs), name
