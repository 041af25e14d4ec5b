"""The documents on data show what the database has: the dictionary, and results of examples.

``make reference`` records them again, after a change of the schema, of an example or of
the samples.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from service.storage import Pool
from service.storage.embedded.program_files import find_programs
from service.storage.readers import grant_reader
from tests.support.data.document import (
    DIAGRAM,
    DICTIONARY,
    QUESTIONS,
    TOOLS,
    find_parts,
    read_diagram,
    replace_parts,
)
from tests.support.data.examples import Examples, install_duckdb_extension
from tests.support.data.samples import import_samples
from tests.support.data.schema import (
    Relation,
    described_names,
    read_relations,
    write_dictionary,
)
from tests.support.databases import execute
from tests.support.readers import READER
from tests.support.servers import database_dsn
from tests.support.service import Service

pytestmark = pytest.mark.once


@pytest.fixture
async def examples(
    service: Service, pool: Pool, server: str, postgres: str, tmp_path: Path
) -> AsyncIterator[Examples]:
    """A database with the samples, and a reader of client 1."""
    async with aiohttp.ClientSession() as http:
        await import_samples(http, service, pool)
    direct = database_dsn(server, urlsplit(service.dsn).path.removeprefix("/"))
    await execute(direct, f"DROP ROLE IF EXISTS {READER}")
    await execute(direct, f"CREATE ROLE {READER} LOGIN")
    await grant_reader(direct, READER, [1])
    install_duckdb_extension(tmp_path / "home")
    programs = find_programs(postgres, tmp_path).folder
    yield Examples(direct, READER, programs, tmp_path / "home")
    await execute(direct, f"DROP OWNED BY {READER}")
    await execute(direct, f"DROP ROLE {READER}")


async def test_the_documents_have_the_dictionary_and_the_results_of_their_examples(
    examples: Examples, pool: Pool, subtests: pytest.Subtests
) -> None:
    relations = await read_relations(pool)
    for path in (*QUESTIONS, TOOLS, *DICTIONARY):
        document = path.read_text("utf-8")
        parts = find_parts(document)
        texts = [
            write_dictionary(relations, part.argument.split())
            if part.name == "dictionary"
            else examples.run(part)
            for part in parts
        ]
        if os.environ.get("RECORD_EXAMPLES"):
            path.write_text(replace_parts(document, texts), "utf-8")
            continue
        for part, text in zip(parts, texts, strict=True):
            with subtests.test(part.heading):
                assert part.text == text, "run: make reference"


def test_the_documents_answer_twelve_questions_and_show_two_programs() -> None:
    questions = [part for path in QUESTIONS for part in find_parts(path.read_text("utf-8"))]
    assert [part.language for part in questions] == ["sql"] * 12
    assert [part.language for part in find_parts(TOOLS.read_text("utf-8"))] == ["python"] * 2


async def test_each_table_and_view_is_described_once(pool: Pool) -> None:
    parts = [part for path in DICTIONARY for part in find_parts(path.read_text("utf-8"))]
    names = [name for part in parts for name in part.argument.split()]
    assert sorted(names) == sorted(described_names(await read_relations(pool)))


async def test_the_diagram_shows_columns_of_the_schema(pool: Pool) -> None:
    relations = {each.name: each for each in await read_relations(pool)}
    diagram = read_diagram(DIAGRAM.read_text("utf-8"))
    assert set(diagram) <= {name.removeprefix("report.") for name in relations}
    for name, columns in diagram.items():
        there = _types(relations[f"report.{name}"])
        assert {column: there.get(column) for column in columns} == columns, name


def _types(relation: Relation) -> dict[str, str]:
    return {column.name: column.type for column in relation.columns}
