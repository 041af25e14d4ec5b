"""The tables of the documents that mirror the code are generated, and complete."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest
from prometheus_client import REGISTRY

from service.errors import ServiceError
from service.formats.mspdi import mapping as mspdi
from service.formats.native import mapping as native
from service.formats.p6 import mapping, shared_objects
from service.formats.record_rules import Field, RecordRule
from service.formats.registry import FORMATS
from service.formats.xer.mapping import TABLES
from service.http.routes.table import CLIENT, ROUTES
from service.settings import Settings
from tests.support.paths import CHECKOUT
from tests.tools.reference import formats, xer
from tests.tools.reference.__main__ import FILES, TEXTS, find_markers, render
from tests.tools.reference.service import metrics_by_name, settings

MARKERS = [marker for path in FILES for marker in find_markers(path.read_text("utf-8"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_left_to_generate(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text == render(text), "run: make reference"


def test_every_generator_is_used() -> None:
    assert {name for name, _ in MARKERS} == set(TEXTS)


def test_every_setting_is_in_one_table() -> None:
    first, *_, last = Settings.model_fields
    shown = rows(settings(argument) for name, argument in MARKERS if name == "settings")
    assert shown == rows([settings(f"{first}..{last}")])


def test_every_metric_is_in_one_table() -> None:
    shown = [names.split() for name, names in MARKERS if name == "metrics"]
    assert sorted(f"bulk_import_{name}" for names in shown for name in names) == sorted(
        metrics_by_name()
    )


def test_every_metric_of_the_service_is_in_the_module_of_metrics() -> None:
    families = {family.name for family in REGISTRY.collect()}
    ours = {name for name in families if name.startswith("bulk_import_")}
    assert ours == {name.removesuffix("_total") for name in metrics_by_name()}


@pytest.mark.parametrize("kind", ServiceError.__subclasses__())
def test_every_http_error_has_a_documented_cause(kind: type[ServiceError]) -> None:
    assert kind.causes


@pytest.mark.parametrize("name", [each.name for each in FORMATS if not each.source])
def test_every_format_has_a_table(name: str) -> None:
    assert ("format", name) in MARKERS


@pytest.mark.parametrize("module", [native, mspdi, mapping, shared_objects])
def test_every_map_of_a_format_is_in_its_table(module: ModuleType) -> None:
    records = [record for maps in formats.MAPS.values() for record in maps.values()]
    shown = {essence(each) for record in records for each in record.fields}
    maps = [value for value in vars(module).values() if isinstance(value, RecordRule)]
    assert maps
    assert {essence(each) for record in maps for each in record.fields} <= shown


def test_every_table_of_an_xer_file_is_in_one_table() -> None:
    shown = " ".join(modules for name, modules in MARKERS if name == "xer").split()
    tables = [name for module in shown for name in xer.tables_of(module)]
    assert sorted(tables) == sorted(TABLES)


def test_every_note_belongs_to_an_element_of_a_map() -> None:
    there = {
        (name, tag, field.source)
        for name, maps in formats.MAPS.items()
        for tag, record in maps.items()
        for field in record.fields
    }
    assert set(formats.NOTES) <= there


def test_every_element_that_is_not_stored_has_a_note() -> None:
    for name, maps in formats.MAPS.items():
        for tag, record in maps.items():
            for field in record.fields:
                stored = field.column in (*record.columns, "external_id")
                assert stored or (name, tag, field.source) in formats.NOTES, (tag, field.source)


@pytest.mark.parametrize("path", [path for path in ROUTES if not path.startswith(CLIENT)])
def test_every_public_route_is_documented(path: str) -> None:
    assert f"`{path}`" in (CHECKOUT / "docs" / "reference" / "api" / "routes.md").read_text("utf-8")


def rows(tables: Iterable[str]) -> Counter[str]:
    """Count the rows of tables, without their heads."""
    return Counter(row for table in tables for row in table.splitlines()[2:])


def essence(field: Field) -> tuple[str, str, bool]:
    return field.source, field.column, field.keep
