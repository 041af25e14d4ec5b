"""Every pod has what it needs to connect to the database, and no more."""

from pathlib import Path

import pytest

from tests.tools.k8s.overlays import OVERLAYS, Object, composed, pods, templates_of
from tests.tools.k8s.validation import VERSIONS, check


def containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_password_of_the_owner_is_only_where_the_schema_is_migrated(overlay: str) -> None:
    keys = {
        (pod.partition("migrate")[1], reference["name"], reference["key"])
        for pod, spec in pods(overlay).items()
        for container in containers(spec)
        for variable in container.get("env", [])
        if variable["name"] == "DATABASE_URL"
        for reference in [variable["valueFrom"]["secretKeyRef"]]
    }
    assert keys == {
        ("", "bulk-import-database", "service-url"),
        ("migrate", "bulk-import-database-owner", "owner-url"),
    }


@pytest.mark.parametrize("overlay", ["production", "gateway"])
def test_with_tls_every_pod_that_connects_has_the_authorities(overlay: str, tmp_path: Path) -> None:
    objects = composed(tmp_path, f"overlays/{overlay}", components=["database-tls"])
    assert [fault for item in objects if (fault := check(item, VERSIONS[-1]))] == []
    mounted = []
    for template in templates_of(objects).values():
        pod = template["spec"]
        (volume,) = [each for each in pod["volumes"] if each["name"] == "database-tls"]
        assert volume["secret"]["secretName"] == "bulk-import-db-ca"
        assert [each["path"] for each in volume["secret"]["items"]] == ["ca.crt"], "no key"
        for container in containers(pod):
            paths = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
            assert paths["database-tls"] == "/database-tls"
            mounted.append(container["name"])
    assert sorted(mounted) == ["bulk-import", "migrate", "pgbouncer", "prune", "schema"]
