"""Components that no overlay has, because they depend on the cluster, fit your own overlay."""

from typing import Any

import pytest

from service.settings import Settings
from tests.support.paths import CHECKOUT
from tests.tools.k8s.overlays import OPTIONAL, Object, settings, with_component
from tests.tools.k8s.validation import VERSIONS, bytes_of, check
from tests.tools.reference.service import metrics_by_name

DOCUMENT = (CHECKOUT / "docs" / "operate" / "kubernetes" / "install.md").read_text("utf-8")


@pytest.fixture
def objects(request: pytest.FixtureRequest) -> list[Object]:
    """What the component of ``made_by`` makes of production."""
    return with_component(request.param)


def made_by(component: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("objects", [component], indirect=True)


def find(objects: list[Object], kind: str, name: str = "bulk-import") -> Any:
    (found,) = [
        each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    return found


def setting(objects: list[Object], name: str) -> str | None:
    """What the ConfigMap of the pods sets."""
    (found,) = [
        each["data"]
        for each in objects
        if each["kind"] == "ConfigMap" and "BULK_IMPORT_SPOOL_DIR" in each["data"]
    ]
    value: str | None = found.get(f"BULK_IMPORT_{name.upper()}")
    return value


@pytest.mark.parametrize("component", OPTIONAL)
def test_a_component_of_no_overlay_is_valid_and_documented(component: str) -> None:
    faults = [fault for item in with_component(component) if (fault := check(item, VERSIONS[-1]))]
    assert faults == []
    assert f"\n| `{component}` | " in DOCUMENT


@made_by("scale-on-imports")
def test_replicas_can_scale_by_running_imports(objects: list[Object]) -> None:
    by_cpu, by_imports = find(objects, "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert by_cpu["resource"]["name"] == "cpu"
    assert by_imports["pods"]["metric"]["name"] in metrics_by_name()
    slots = int(settings("production")["BULK_IMPORT_MAX_IMPORTS"])
    assert int(by_imports["pods"]["target"]["averageValue"]) < slots


@made_by("dual-stack")
def test_dual_stack_serves_and_routes_both_families(objects: list[Object]) -> None:
    assert setting(objects, "host") == "::"
    services = [each for each in objects if each["kind"] == "Service"]
    assert {each["spec"]["ipFamilyPolicy"] for each in services} == {"PreferDualStack"}


@made_by("node-local-dns")
def test_names_can_be_looked_up_at_the_cache_of_the_node(objects: list[Object]) -> None:
    spec = find(objects, "NetworkPolicy", "node-local-names")["spec"]
    (rule,) = spec["egress"]
    assert spec["podSelector"] == {}
    assert "169.254.20.10/32" in [each["ipBlock"]["cidr"] for each in rule["to"]]
    (others,) = find(objects, "NetworkPolicy", "names")["spec"]["egress"]
    assert rule["ports"] == others["ports"]


@made_by("spool-volume")
def test_the_spool_can_have_a_volume_that_is_not_the_disk_of_the_node(
    objects: list[Object],
) -> None:
    pod = find(objects, "Deployment")["spec"]["template"]["spec"]
    (volume,) = pod["volumes"]
    assert volume.keys() == {"name", "ephemeral"}
    claim = volume["ephemeral"]["volumeClaimTemplate"]["spec"]
    size = bytes_of(claim["resources"]["requests"]["storage"])
    reserve = Settings.model_fields["spool_reserve_bytes"].default
    assert setting(objects, "spool_reserve_bytes") == str(reserve)
    assert int(setting(objects, "spool_bytes") or 0) + reserve < size * 0.93
    (container,) = pod["containers"]
    for amounts in container["resources"].values():
        assert amounts["ephemeral-storage"] == "1Gi"
