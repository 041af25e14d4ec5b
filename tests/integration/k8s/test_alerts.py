"""Alerts use existing metrics and fitting thresholds, are documented, and are tested both ways."""

import re

import pytest
import yaml

from service.http.auth.issuer_document import REFRESH_INTERVAL
from service.settings import Settings
from service.storage import Pool
from tests.support.paths import CHECKOUT
from tests.tools.k8s.expressions import ALERTS, expand
from tests.tools.reference.service import metrics_by_name

ELSEWHERE = {"up"}
"""Metrics of Prometheus."""
SHOWN = re.compile("_(bucket|sum|count)$")

TESTS = yaml.safe_load((CHECKOUT / "tests/tools/k8s/alerts.test.yaml").read_text("utf-8"))
PAGES = {
    f"/docs/operate/monitoring/{name}": (CHECKOUT / "docs/operate/monitoring" / name).read_text(
        "utf-8"
    )
    for name in ("alerts.md", "alerts-database.md")
}
DOCUMENTED = re.findall(r"^\| `(BulkImport\w+)` \| (\w+) \|", "".join(PAGES.values()), re.M)


def entries() -> dict[str, str]:
    """The documented response to each alert."""
    text = "\n## ".join(PAGES.values())
    return dict(re.findall(r"^## (BulkImport\w+)\n(.+?)(?=^##|\Z)", text, re.M | re.S))


def number(alert: str) -> float:
    """What an alert's metric must be over."""
    return float(re.findall(r"> (\d+(?:\.\d+)?)", ALERTS[alert]["expr"])[-1])


@pytest.mark.parametrize("alert", ALERTS)
def test_metrics_and_labels_of_an_alert_exist(alert: str) -> None:
    expression = expand(ALERTS[alert]["expr"])
    metrics = re.findall(r"(\w+){([^}]*)}", expression)
    assert metrics
    for name, matchers in metrics:
        known = metrics_by_name().get(SHOWN.sub("", name))
        assert known or name in ELSEWHERE
        labels = set(re.findall(r"(\w+)=", matchers)) - {"job", "le"}
        assert labels <= set(known.labels if known else ())
        assert 'job="bulk-import"' in matchers


def test_thresholds_of_alerts_follow_the_settings() -> None:
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    dead = defaults["heartbeat_expiry"] / defaults["heartbeat_every"]
    assert number("BulkImportHeartbeatsMissed") < dead
    assert number("BulkImportNotPruned") > 10 * defaults["prune_every"]
    assert number("BulkImportKeySetNotRead") > 3 * REFRESH_INTERVAL


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_names_its_installation_and_its_entry(alert: str) -> None:
    assert "by (namespace" in expand(ALERTS[alert]["expr"])
    address, _, anchor = ALERTS[alert]["annotations"]["runbook_url"].partition("#")
    [page] = [text for path, text in PAGES.items() if address.endswith(path)]
    assert f"\n## {alert}\n" in page
    assert anchor == alert.lower()


def test_every_alert_is_documented() -> None:
    severities = {name: rule["labels"]["severity"] for name, rule in ALERTS.items()}
    assert dict(DOCUMENTED) == severities


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_an_entry_with_what_to_look_at_and_what_to_do(alert: str) -> None:
    entry = entries()[alert]
    assert re.search(r"^Look: .*`[^`]+ [^`]+`", entry, re.M), "no command or query"
    assert re.search(r"^Do: ", entry, re.M)


def test_every_documented_alert_exists() -> None:
    assert entries().keys() == dict(DOCUMENTED).keys()


async def test_the_queries_of_the_entries_are_answered(pool: Pool) -> None:
    found = re.findall(r"`(SELECT [^`]+)`", "".join(entries().values()))
    assert found
    for query in found:
        await pool.fetch(query)


def test_the_entries_name_existing_metrics() -> None:
    found = re.findall(r"\bbulk_import_\w+", "".join(entries().values()))
    assert found
    for name in found:
        assert SHOWN.sub("", name) in metrics_by_name()


def test_every_alert_has_a_rule_test_that_fires_and_one_that_does_not() -> None:
    tried: dict[str, set[bool]] = {}
    for test in TESTS["tests"]:
        for case in test["alert_rule_test"]:
            tried.setdefault(case["alertname"], set()).add(bool(case.get("exp_alerts")))
    assert tried == {alert: {True, False} for alert in ALERTS}
