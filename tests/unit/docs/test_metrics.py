"""Every metric of the service is documented with its labels, and none that is not there."""

import re

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

from service.http.user_agent import CLASSES
from service.observability import metrics
from service.observability.metrics import Stage
from tests.support.paths import CHECKOUT


def there() -> dict[str, str]:
    """The service's own metrics, as they are exposed, and their labels."""
    found = {}
    for metric in vars(metrics).values():
        if isinstance(metric, (Counter, Gauge, Histogram)):
            (family,) = metric.describe()
            suffix = "_total" if family.type == "counter" else ""
            labels = ", ".join(f"`{name}`" for name in metric._labelnames)
            found[family.name + suffix] = labels
    return found


def test_the_table_of_metrics_is_the_registrys() -> None:
    text = (CHECKOUT / "docs" / "operations.md").read_text("utf-8")
    rows = re.findall(r"^\| `(bulk_import_\w+)` \| (.*?) ?\| .+ \|$", text, re.M)
    assert dict(rows) == there()
    assert len(rows) == len(there())


def test_every_stage_and_every_class_of_client_is_documented() -> None:
    text = (CHECKOUT / "docs" / "operations.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \| (?:the reader|a writer) \|", text, re.M) == list(Stage)
    (said,) = re.findall(r"^`client_class` is .+? gives itself: (.+?)\. ", text, re.M)
    assert set(re.findall(r"`([\w-]+)`", said)) == CLASSES


def test_all_metrics_are_in_one_module() -> None:
    ours = {name for name in REGISTRY._names_to_collectors if name.startswith("bulk_import")}
    assert {name for name in there() if name not in ours} == set()
    families = {family.name for family in REGISTRY.collect() if family.name.startswith("bulk_")}
    assert families == {name.removesuffix("_total") for name in there()}
