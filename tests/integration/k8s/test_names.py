"""The manifests name existing settings, ports, routes, commands, metrics and objects."""

import re

import pytest
import typer

from service.cli.app import app
from service.http.routes.table import PROBES
from service.settings import Settings
from tests.support.paths import CHECKOUT
from tests.tools.k8s.expressions import ALERTS, expand
from tests.tools.k8s.overlays import (
    OVERLAYS,
    Object,
    build,
    of,
    one,
    pods,
    secrets,
    service,
    settings,
    templates,
)
from tests.tools.reference.service import variable

DOCKERFILE = (CHECKOUT / "Dockerfile").read_text("utf-8")
DOCUMENT = "".join(
    path.read_text("utf-8") for path in sorted((CHECKOUT / "docs/operate/kubernetes").glob("*.md"))
)
SETTINGS = {variable(name) for name in Settings.model_fields}
WATCHED = [overlay for overlay in OVERLAYS if of(overlay, "PodMonitor")]

OPERATED = (
    ("Cluster", "cnpg.io/cluster", "instance"),
    ("Pooler", "cnpg.io/poolerName", "pooler"),
)
"""Kinds whose pods CloudNativePG makes, and the pods' labels."""

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def in_image(name: str) -> str:
    """What the image sets a variable to."""
    (value,) = re.findall(rf"^(?:ENV)?\s+{name}=(\S+)", DOCKERFILE, re.M)
    return str(value)


@every_overlay
def test_every_variable_of_the_manifests_is_a_valid_setting(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = settings(overlay)
    assert set(named) <= SETTINGS
    assert set(re.findall(r"BULK_IMPORT_\w+", DOCUMENT)) <= SETTINGS
    for name, value in named.items():
        monkeypatch.setenv(name, "/tmp" if name.endswith("_DIR") else value)
    assert Settings().import_spool_bytes <= Settings().spool_bytes


@every_overlay
def test_image_service_and_routes_use_the_same_ports(overlay: str) -> None:
    port = Settings.model_fields["port"].default
    admin = int(settings(overlay)["BULK_IMPORT_ADMIN_PORT"])
    assert in_image("BULK_IMPORT_PORT") == str(port) != str(admin)
    assert f"\nEXPOSE {port}\n" in DOCKERFILE
    opened = {each["name"]: each["containerPort"] for each in service(overlay)["ports"]}
    assert opened == {"http": port, "admin": admin}
    (forwarded,) = one(overlay, "Service")["spec"]["ports"]
    assert forwarded["targetPort"] == forwarded["name"] == "http"
    for route in of(overlay, "HTTPRoute"):
        assert route["spec"]["rules"][0]["backendRefs"][0]["port"] == forwarded["port"]
    for policy in of(overlay, "NetworkPolicy"):
        if policy["spec"]["podSelector"] == {
            "matchLabels": one(overlay, "Service")["spec"]["selector"]
        }:
            allowed = admin if policy["metadata"]["name"] == "from-monitoring" else port
            for rule in policy["spec"].get("ingress", []):
                assert [each["port"] for each in rule["ports"]] == [allowed]


@every_overlay
def test_probes_use_routes_of_the_admin_port(overlay: str) -> None:
    container = service(overlay)
    asked = {
        probe: container[probe]["httpGet"]
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
    }
    assert asked == {
        "livenessProbe": {"path": "/healthz", "port": "admin"},
        "readinessProbe": {"path": "/readyz", "port": "admin"},
        "startupProbe": {"path": "/healthz", "port": "admin"},
    }
    assert {each["path"] for each in asked.values()} <= set(PROBES)


@pytest.mark.parametrize("overlay", WATCHED)
def test_scraped_paths_and_pods_exist(overlay: str) -> None:
    spec = one(overlay, "PodMonitor")["spec"]
    (endpoint,) = spec["podMetricsEndpoints"]
    assert endpoint["path"] in PROBES
    assert endpoint["port"] == "admin"
    labels = templates(overlay)["bulk-import"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    for rule in ALERTS.values():
        assert f'job="{labels[spec["jobLabel"]]}"' in expand(rule["expr"])


@every_overlay
def test_commands_and_options_of_the_manifests_exist(overlay: str) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert "args" not in service(overlay), "the image says what it starts"
    ours = [
        container
        for pod in pods(overlay).values()
        for container in pod.get("initContainers", []) + pod["containers"]
        if container["image"] == service(overlay)["image"] and "args" in container
    ]
    for container in ours:
        command, *options = container["args"]
        known = {option for parameter in commands[command].params for option in parameter.opts}
        assert {option for option in options if option.startswith("-")} <= known
    given = [tuple(container["args"][:2]) for container in ours]
    pruning = [("prune",)] if of(overlay, "CronJob") else []
    assert sorted(given) == [("migrate", "--check"), ("migrate", "--grant-to"), *pruning]


@every_overlay
def test_pods_have_no_unneeded_privileges(overlay: str) -> None:
    assert one(overlay, "ServiceAccount")["automountServiceAccountToken"] is False
    for name, pod in pods(overlay).items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod.get("initContainers", []) + pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert re.search(r":[\w.-]+$", container["image"]), name
            assert not container["image"].endswith(":latest"), name
            assert container["resources"]["limits"]["memory"], name


@every_overlay
def test_pods_use_the_user_and_the_volume_of_the_image(overlay: str) -> None:
    (user,) = re.findall(r"^USER (\d+):\1$", DOCKERFILE, re.M)
    context = pods(overlay)["bulk-import"]["securityContext"]
    assert {context["runAsUser"], context["runAsGroup"], context["fsGroup"]} == {int(user)}
    (mount,) = [each for each in service(overlay)["volumeMounts"] if "readOnly" not in each]
    assert mount["mountPath"] == in_image("TMPDIR") == settings(overlay)["BULK_IMPORT_SPOOL_DIR"]
    assert f"\nVOLUME {mount['mountPath']}\n" in DOCKERFILE


@every_overlay
def test_a_service_sets_no_setting(overlay: str) -> None:
    """Kubernetes would set ``NAME_PORT=tcp://…`` for each Service in the namespace."""
    names = [each["metadata"]["name"].upper().replace("-", "_") for each in of(overlay, "Service")]
    assert "BULK_IMPORT_PORT" in SETTINGS & {f"{name}_PORT" for name in names}
    assert all(pod["enableServiceLinks"] is False for pod in pods(overlay).values())


@every_overlay
def test_every_selector_matches_pods(overlay: str) -> None:
    labels = [each["metadata"]["labels"] for each in templates(overlay).values()] + [
        {label: each["metadata"]["name"], "cnpg.io/podRole": role}
        for kind, label, role in OPERATED
        for each in of(overlay, kind)
    ]
    for kind, path in (
        ("Service", ("selector",)),
        ("PodDisruptionBudget", ("selector", "matchLabels")),
        ("NetworkPolicy", ("podSelector", "matchLabels")),
        ("PodMonitor", ("selector", "matchLabels")),
    ):
        for item in of(overlay, kind):
            wanted: Object = item["spec"]
            for step in path:
                wanted = wanted.get(step, {})
            assert any(wanted.items() <= each.items() for each in labels), item["metadata"]["name"]
    target = one(overlay, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert one(overlay, target["kind"], target["name"])
    assert "replicas" not in one(overlay, "Deployment")["spec"], "the autoscaler's to say"


@every_overlay
def test_pods_of_a_deployment_are_spread_over_nodes(overlay: str) -> None:
    for item in of(overlay, "Deployment"):
        template = item["spec"]["template"]
        spread = template["spec"]["topologySpreadConstraints"]
        assert "kubernetes.io/hostname" in [each["topologyKey"] for each in spread]
        labels = template["metadata"]["labels"].items()
        assert all(each["labelSelector"]["matchLabels"].items() <= labels for each in spread)


@every_overlay
def test_network_policies_deny_by_default(overlay: str) -> None:
    assert one(overlay, "NetworkPolicy", "nothing")["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }


@every_overlay
def test_mounted_volumes_exist_and_do_not_overlap(overlay: str) -> None:
    """No volume is mounted inside another, where its folder could not be made."""
    maps = {each["metadata"]["name"] for each in of(overlay, "ConfigMap")}
    claims = {"data"}
    for pod in pods(overlay).values():
        volumes = {volume["name"] for volume in pod.get("volumes", [])} | claims
        for container in pod["containers"]:
            mounts = container.get("volumeMounts", [])
            assert {mount["name"] for mount in mounts} <= volumes
            places = sorted(mount["mountPath"] for mount in mounts)
            assert not [a for a in places for b in places if b.startswith(f"{a}/")]
        for volume in pod.get("volumes", []):
            sources = [volume, *volume.get("projected", {}).get("sources", [])]
            named = {
                each["configMap"]["name"] for each in sources if "name" in each.get("configMap", {})
            }
            assert named <= maps


@every_overlay
def test_every_secret_is_used_and_documented(overlay: str) -> None:
    assert of(overlay, "Secret") == []
    named = set(secrets(build(overlay)))
    assert {"bulk-import-database", "bulk-import-tokens"} <= named
    assert {name for name in named if f"`{name}`" not in DOCUMENT} == set()
