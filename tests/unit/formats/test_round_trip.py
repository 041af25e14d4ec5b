"""A project of any format, written as native XML and read again, has the same content."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from lxml import etree

from service.formats.native import writer
from service.model import SharedObject
from service.tables import Table
from tests.support.fuzzing import examples
from tests.support.native_files import files
from tests.support.paths import CHECKOUT, REAL, SHIPPED
from tests.support.reading import Row, project_row, python_engine, read, rows

FILES = sorted([*SHIPPED.glob("*/*.xml"), *REAL.glob("*/*.xml")])
SCHEMA = etree.XMLSchema(etree.parse(CHECKOUT / "service/formats/native/schema.xsd"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_project_read_again_from_native_xml_has_the_same_hash(file: Path) -> None:
    content = file.read_bytes()
    hashes = check_round_trip(content)
    with python_engine():
        assert [project.content_hash for project in read(content).projects] == hashes


@pytest.mark.usefixtures("both_engines")
@given(files())
@examples(100)
def test_a_random_project_read_again_has_the_same_hash(file: bytes) -> None:
    check_round_trip(file)


def check_round_trip(file: bytes) -> list[bytes]:
    """Return the hashes of the projects."""
    reading = read(file)
    assert not reading.refusals, reading.refusals
    shared = {one.hash: one for item in reading.shared for one in item.objects}
    assert reading.projects
    for project in reading.projects:
        tables = {table: rows(project, table) for table in Table}
        taken = [shared[digest] for digest in project.shared]
        own = project_row(project) | {"external_id": project.external_id, "read_at": "1"}
        written = b"".join(native(own, tables, taken))
        SCHEMA.assertValid(etree.fromstring(written))
        again = read(written)
        assert not again.refusals, again.refusals
        [native_project] = again.projects
        assert native_project.read_at == 1
        assert native_project.shared == project.shared
        assert project_row(native_project) == project_row(project)
        assert {table: rows(native_project, table) for table in Table} == tables
        assert native_project.content_hash == project.content_hash
    return [project.content_hash for project in reading.projects]


def native(
    own: Row, tables: Mapping[Table, Iterable[Row]], shared: Iterable[SharedObject]
) -> Iterator[bytes]:
    """One project as a native file."""
    yield writer.begin_file(own)
    for table, group in writer.GROUPS.items():
        yield writer.begin_group(group)
        yield from (writer.write_record(group, row) for row in tables[table])
        yield writer.end_group(group)
    yield writer.begin_group(writer.SHARED_OBJECTS)
    for one in shared:
        row = {"element": one.element, "object_id": one.object_id}
        yield writer.write_record(
            writer.SHARED_OBJECTS, row | {"attributes": one.attributes.decode()}
        )
    yield writer.end_group(writer.SHARED_OBJECTS)
    yield writer.end_file()
