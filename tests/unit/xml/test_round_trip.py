"""What any dialect says, written as native XML and read again, is the same content."""

from pathlib import Path

import pytest
from lxml import etree

import service.xml
from service.rows import Table
from tests.exporting import export
from tests.reading import project_row, read, rows

pytestmark = pytest.mark.usefixtures("both_walks")

SHIPPED = Path(__file__).parents[2] / "data"
REAL = Path(__file__).parents[4] / "shared" / "real"
FILES = sorted([*SHIPPED.glob("*/*.xml"), *REAL.glob("*/*.xml")])
SCHEMA = etree.XMLSchema(etree.parse(Path(service.xml.__file__).with_name("native.xsd")))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_project_read_again_from_native_xml_has_the_same_hash(file: Path) -> None:
    reading = read(file.read_bytes())
    shared = {one.hash: one for item in reading.shared for one in item.objects}
    assert reading.projects
    for project in reading.projects:
        tables = {table.value: rows(project, table) for table in Table}
        taken = [shared[digest] for digest in project.shared]
        written = export(project.external_id, project_row(project), tables, taken)
        SCHEMA.assertValid(etree.fromstring(written))
        again = read(written)
        assert not again.refusals, again.refusals
        [native] = again.projects
        assert native.shared == project.shared
        assert project_row(native) == project_row(project)
        assert {table.value: rows(native, table) for table in Table} == tables
        assert native.content_hash == project.content_hash
