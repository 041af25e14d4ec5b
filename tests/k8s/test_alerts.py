"""The alerts: of metrics that are there, at sizes that fit, documented, each tried both ways."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import Settings
from tests.k8s.building import CHECKOUT, one, service, settings
from tests.k8s.validating import bytes_of
from tests.unit.ops.test_metrics import there

OVERLAY = "production"
ELSEWHERE = {"up", "process_resident_memory_bytes"}
"""Prometheus' own, and what prometheus-client tells of a process."""

(GROUP,) = one(OVERLAY, "PrometheusRule")["spec"]["groups"]
RULES: dict[str, Any] = {rule["alert"]: rule for rule in GROUP["rules"]}
TESTS = yaml.safe_load((Path(__file__).with_name("alerts.test.yaml")).read_text("utf-8"))


def number(alert: str) -> float:
    """What an alert's metric must be over."""
    return float(re.findall(r"> (\d+(?:\.\d+)?)", RULES[alert]["expr"])[0])


@pytest.mark.parametrize("alert", RULES)
def test_the_metrics_and_labels_of_an_alert_are_there(alert: str) -> None:
    expression = RULES[alert]["expr"]
    metrics = re.findall(r"(\w+){([^}]*)}", expression)
    assert metrics
    for name, matchers in metrics:
        assert name in there() or name in ELSEWHERE
        labels = set(re.findall(r"(\w+)=", matchers)) - {"job"}
        assert labels <= set(re.findall(r"`(\w+)`", there().get(name, "")))
        assert 'job="bulk-import"' in matchers


def test_what_is_too_much_goes_by_the_settings() -> None:
    slots = int(settings(OVERLAY)["BULK_IMPORT_MAX_IMPORTS"])
    assert 0.8 * slots < number("BulkImportFull") < slots
    assert number("BulkImportStuck") >= Settings.model_fields["upload_timeout"].default
    spool = int(settings(OVERLAY)["BULK_IMPORT_SPOOL_BYTES"])
    assert number("BulkImportSpoolFilling") == spool * 8 // 10
    limit = bytes_of(service(OVERLAY)["resources"]["limits"]["memory"])
    assert number("BulkImportMemory") == limit * 9 // 10
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    dead = defaults["heartbeat_expiry"] / defaults["heartbeat_every"]
    assert number("BulkImportHeartbeatsMissed") < dead


def test_every_alert_is_documented() -> None:
    text = (CHECKOUT / "docs" / "kubernetes.md").read_text("utf-8")
    rows = re.findall(r"^\| `(BulkImport\w+)` \| (\w+) \|", text, re.M)
    assert dict(rows) == {name: rule["labels"]["severity"] for name, rule in RULES.items()}


def test_every_alert_is_tried_firing_and_quiet() -> None:
    tried: dict[str, set[bool]] = {}
    for test in TESTS["tests"]:
        for case in test["alert_rule_test"]:
            tried.setdefault(case["alertname"], set()).add(bool(case.get("exp_alerts")))
    assert tried == {alert: {True, False} for alert in RULES}
