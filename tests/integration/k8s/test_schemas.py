"""Every object of every overlay passes strict validation, and a mistake is reported."""

import copy

import pytest

from tests.tools.k8s.overlays import OVERLAYS, Object, build, one
from tests.tools.k8s.validation import VERSIONS, check


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_objects_are_valid(overlay: str) -> None:
    assert [fault for item in build(overlay) if (fault := check(item, VERSIONS[-1]))] == []


def mistaken(item: Object, path: str, value: object) -> Object:
    """A copy with one value set, at a path such as ``spec.rules.0.host``."""
    changed = at = copy.deepcopy(item)
    *way, last = path.split(".")
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    at[last] = value
    return changed


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("Deployment", "bulk-import", "spec.template.spec.terminationGraceSeconds", 30),
        ("Deployment", "bulk-import", "spec.template.spec.containers.0.image", 5),
        ("NetworkPolicy", "nothing", "spec.policyType", ["Ingress"]),
        ("PodMonitor", "bulk-import", "spec.podMetricsEndpoints.0.timeout", "10s"),
        ("PrometheusRule", "bulk-import", "spec.groups.0.rules.0.expression", "1"),
        ("HTTPRoute", "bulk-import", "spec.rules.0.timeouts.requests", "0s"),
        ("HTTPRoute", "bulk-import", "spec.rules.0.backendRefs.0.port", "http"),
        ("Cluster", "bulk-import-db", "spec.postgresql.synchronous.numbers", 1),
        ("Cluster", "bulk-import-db", "spec.postgresql.parameters.max_connections", 300),
    ],
)
def test_an_invalid_manifest_is_refused(kind: str, name: str, path: str, value: object) -> None:
    item = one("cloudnativepg", kind, name)
    assert check(item, VERSIONS[-1]) is None
    assert check(mistaken(item, path, value), VERSIONS[-1]) is not None
