"""The dashboard and the alerts query exported metrics, and the dashboard shows all of them."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.paths import CHECKOUT
from tests.support.raw_http import XML, form, get, part, upload
from tests.support.service import Service
from tests.tools.k8s.expressions import (
    ALERTS,
    OPERATIONS,
    OVERLAY,
    PORTFOLIO,
    asked,
    dashboard,
    expand,
    named,
    panels,
)
from tests.tools.k8s.overlays import OVERLAYS, of, one
from tests.tools.reference.service import metrics_by_name

PROMETHEUS_OWN = {"up": set[str]()}
ADDED_BY_SCRAPING = {"job", "namespace", "pod"}


async def scraped(service: Service) -> dict[str, set[str]]:
    """The names and labels of the metrics that a service exports after an import."""
    assert (await upload(service, form(part("file", XML)))).status == 207
    text = (await get(service, "/metrics")).body.decode()
    told: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            told.setdefault(sample.name, set()).update(sample.labels)
    return told


async def test_every_queried_metric_and_label_is_exported(service: Service) -> None:
    told = await scraped(service) | PROMETHEUS_OWN
    for expression in [*asked(), *(rule["expr"] for rule in ALERTS.values())]:
        metrics = named(expression)
        assert metrics
        for name, labels in metrics.items():
            assert name in told, expression
            assert labels - ADDED_BY_SCRAPING <= told[name], expression
        for each in re.findall(r"\bbulk_import_\w+", expand(expression)):
            assert each in metrics, f"{each} without braces: {expression}"


def test_every_exported_metric_is_on_the_dashboard() -> None:
    shown = {name for expression in asked() for name in named(expression)}
    without = {re.sub("_(bucket|sum|count)$", "", name) for name in shown}
    assert set(metrics_by_name()) <= without


def test_legends_use_only_labels_of_their_query() -> None:
    for panel in panels():
        for target in panel["targets"]:
            labels = set().union(*named(target["expr"]).values())
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels


def test_dashboard_rows_are_the_questions_of_the_documentation() -> None:
    text = (CHECKOUT / "docs" / "operate" / "monitoring" / "metrics.md").read_text("utf-8")
    questions = re.findall(r"^\*\*(.+\?)\*\*$", text, re.M)
    rows = [panel["title"] for panel in dashboard()["panels"] if panel["type"] == "row"]
    assert rows == questions


@pytest.mark.parametrize("name", [OPERATIONS, PORTFOLIO])
def test_panels_do_not_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(name)["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    ids = [panel["id"] for panel in dashboard(name)["panels"]]
    assert len(ids) == len(set(ids))


def test_grafana_finds_the_dashboard_where_monitoring_is_installed() -> None:
    for overlay in OVERLAYS:
        boards = [
            each
            for each in of(overlay, "ConfigMap")
            if each["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
        ]
        assert bool(boards) == bool(of(overlay, "PodMonitor"))
    for name in (OPERATIONS, PORTFOLIO):
        assert one(OVERLAY, "ConfigMap", name)
