"""What the dashboard and the alerts ask Prometheus."""

import json
import re
from typing import Any, Final

from tests.support.paths import CHECKOUT
from tests.tools.k8s.overlays import of, one

OVERLAY: Final = "production"
VARIABLES: Final = {"$__rate_interval": "5m", "$pod": ".*"}
"""What Grafana puts into an expression."""

GROUPS: Final[list[Any]] = [
    group for each in of(OVERLAY, "PrometheusRule") for group in each["spec"]["groups"]
]
"""The groups of rules."""
ALERTS: Final[dict[str, Any]] = {
    rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule
}
"""Alerting rules by name."""
RECORDED: Final[dict[str, str]] = {
    rule["record"]: rule["expr"] for group in GROUPS for rule in group["rules"] if "record" in rule
}
"""Expressions of the recording rules by the name of their series."""

_SELECTOR: Final = re.compile(r"([A-Za-z_]\w*)\{([^}]*)\}")
_MATCHER: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")


OPERATIONS: Final = "bulk-import-dashboard"
PORTFOLIO: Final = "bulk-import-portfolio"
"""The ConfigMaps of the dashboards."""


def dashboard(name: str = OPERATIONS) -> dict[str, Any]:
    """A dashboard as Grafana's sidecar finds it in the cluster."""
    found = one(OVERLAY, "ConfigMap", name)
    (text,) = found["data"].values()
    board: dict[str, Any] = json.loads(text)
    return board


def panels() -> list[dict[str, Any]]:
    """The panels that ask something."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def asked() -> list[str]:
    """The dashboard's expressions, as Prometheus gets them."""
    found = []
    for panel in panels():
        for target in panel["targets"]:
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            found.append(expression)
    return found


def advised() -> list[str]:
    """What the documentation of the alerts has an operator ask Prometheus."""
    folder = CHECKOUT / "docs" / "operate" / "monitoring"
    text = "".join(path.read_text("utf-8") for path in sorted(folder.glob("alerts*.md")))
    return re.findall(r"`((?:sum|rate|increase|histogram_quantile)\b[^`]+)`", text)


def expand(expression: str) -> str:
    """Put the expressions of recorded series in their place."""
    return re.sub(r"\bnamespace:[\w:]+", lambda found: f"({RECORDED[found[0]]})", expression)


def as_rules(expressions: list[str]) -> dict[str, Any]:
    """Rules that promtool can check expressions as."""
    rules = [{"record": f"asked:{n}", "expr": each} for n, each in enumerate(expressions)]
    return {"groups": [{"name": "dashboard", "rules": rules}]}


def named(expression: str) -> dict[str, set[str]]:
    """The metrics of an expression, each with the labels that it is chosen and grouped by.

    Every metric must have its matchers in braces. A recorded series stands for its expression.
    """
    expression = expand(expression)
    grouped = {
        label.strip() for labels in _GROUPING.findall(expression) for label in labels.split(",")
    }
    found: dict[str, set[str]] = {}
    for name, matchers in _SELECTOR.findall(expression):
        found.setdefault(name, set()).update(_MATCHER.findall(matchers), grouped)
    return found
