"""The example overlay replaces everything that depends on the cluster."""

import re

from tests.tools.k8s.overlays import of, one, pods, service

OVERLAY = "example"


def test_it_has_its_own_addresses_and_namespaces() -> None:
    route = one(OVERLAY, "HTTPRoute")["spec"]
    assert route["hostnames"] == ["plans.acme.example"]
    policies = {each["metadata"]["name"]: str(each) for each in of(OVERLAY, "NetworkPolicy")}
    allowed = {
        name: re.findall(r"kubernetes.io/metadata.name': '([^']+)'", policy)
        for name, policy in policies.items()
        if "namespaceSelector" in policy
    }
    assert allowed == {
        "from-gateway": [parent["namespace"] for parent in route["parentRefs"]],
        "from-monitoring": ["observability"],
        "names": ["kube-system"],
    }


def test_prometheus_of_the_stack_selects_its_objects() -> None:
    for kind in ("PodMonitor", "PrometheusRule"):
        assert of(OVERLAY, kind)
        for item in of(OVERLAY, kind):
            assert item["metadata"]["labels"]["release"] == "kube-prometheus-stack"


def test_every_pod_of_its_image_can_pull_it() -> None:
    account = one(OVERLAY, "ServiceAccount")
    assert account["imagePullSecrets"]
    own = {
        name
        for name, pod in pods(OVERLAY).items()
        if any(each["image"] == service(OVERLAY)["image"] for each in pod["containers"])
    }
    assert len(own) == 3, own
    for name in own:
        assert pods(OVERLAY)[name]["serviceAccountName"] == account["metadata"]["name"]
