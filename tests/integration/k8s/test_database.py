"""Every pod has what it needs to connect to the database, and no more."""

import configparser
from pathlib import Path

import pytest

from tests.tools.k8s.overlays import OVERLAYS, Object, build, composed, one, pods, templates_of
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


OPERATORS = {
    *("pool_mode", "listen_addr", "listen_port", "auth_type", "auth_file"),
    *("unix_socket_dir", "logfile", "pidfile"),
}
"""What the operator decides, or the Pooler says elsewhere."""


def test_the_pooler_of_cloudnativepg_works_like_pgbouncer() -> None:
    (files,) = [
        each["data"] for each in build("production") if "pgbouncer.ini" in each.get("data", {})
    ]
    parser = configparser.ConfigParser(allow_no_value=True, interpolation=None)
    parser.read_string(files["pgbouncer.ini"])
    ours = {name: value for name, value in parser["pgbouncer"].items() if name[0] != "%"}
    pooler = one("cloudnativepg", "Pooler", "bulk-import-pooler")["spec"]
    theirs = pooler["pgbouncer"]["parameters"]
    assert pooler["pgbouncer"]["poolMode"] == ours["pool_mode"]
    assert {name: ours[name] for name in ours if name not in OPERATORS} == {
        name: value for name, value in theirs.items() if not name.endswith("_tls_sslmode")
    }
    assert theirs["client_tls_sslmode"] == "require"
    assert theirs["server_tls_sslmode"] == "verify-full"
    (container,) = pooler["template"]["spec"]["containers"]
    (bouncer,) = pods("production")["bulk-import-pgbouncer"]["containers"]
    assert container["image"] == bouncer["image"]
    for probe in ("livenessProbe", "readinessProbe"):
        given, wanted = (each[probe]["exec"]["command"][2] for each in (container, bouncer))
        assert given.replace("/5432", "/6432") == wanted


def test_clients_and_backups_of_cloudnativepg_find_what_they_name() -> None:
    cluster = one("cloudnativepg", "Cluster", "bulk-import-db")
    pooler = one("cloudnativepg", "Pooler", "bulk-import-pooler")
    backup = one("cloudnativepg", "ScheduledBackup")
    assert {pooler["spec"]["cluster"]["name"], backup["spec"]["cluster"]["name"]} == {
        cluster["metadata"]["name"]
    }
    names = cluster["spec"]["certificates"]["serverAltDNSNames"]
    assert pooler["metadata"]["name"] in names, "the service verifies it"
    (plugin,) = cluster["spec"]["plugins"]
    store = one("cloudnativepg", "ObjectStore")["metadata"]["name"]
    assert plugin["parameters"]["barmanObjectName"] == store
    assert plugin["name"] == backup["spec"]["pluginConfiguration"]["name"]
    assert plugin["isWALArchiver"]
