"""Memory, disk, time, connections and locks of the manifests match the settings."""

import configparser
import re
from typing import Any

import pytest

from service.cli.commands.prune import CONNECTIONS
from service.imports.fast_path.group_commit import MAX_GROUP
from service.imports.fast_path.small_file import MAX_LOCKS
from service.imports.manager import divide_pool
from service.settings import GIB, MIB, Settings
from tests.tools.k8s.overlays import OVERLAYS, of, one, pods, service, settings
from tests.tools.k8s.validation import bytes_of

IMPORT = 64 * MIB
"""What an import may take over an idle process, by ``make bench``."""
PROCESS = 256 * MIB
"""For an idle process (some 100 MiB), its connections and the bodies that it reads away."""
LARGEST_DISK = 100 * GIB
"""Of a node for which the reserve of the manifests suffices."""
PEOPLE = 60
"""Connections beside PgBouncer: migrations, operators, replication, those kept for superusers."""
CONNECTION = 10 * MIB
"""For the backend of a connection that copies."""
MINUTE = 60

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)
pooled = pytest.mark.parametrize("overlay", [o for o in OVERLAYS if o != "dev"])
bounced = pytest.mark.parametrize("overlay", ["example", "gateway", "production"])
clustered = pytest.mark.parametrize("overlay", [o for o in OVERLAYS if of(o, "Cluster")])


def setting(overlay: str, name: str) -> Any:
    """What a setting comes to: the manifests', or else the default."""
    default = Settings.model_fields[name].default
    return type(default)(settings(overlay).get(f"BULK_IMPORT_{name.upper()}", default))


def most_pods(overlay: str) -> int:
    """Pods that run at once: after an update, those before it still end their imports.

    Pods that terminate count towards neither ``maxReplicas`` nor ``maxSurge``, so at the end of the
    update there are as many of them as there are new ones.
    """
    rolling = one(overlay, "Deployment")["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 1, "maxUnavailable": 0}
    return 2 * int(one(overlay, "HorizontalPodAutoscaler")["spec"]["maxReplicas"])


def connections(overlay: str) -> int:
    """That all pods may ask for at once, and pruning."""
    pruning = CONNECTIONS * len(of(overlay, "CronJob"))
    return most_pods(overlay) * int(setting(overlay, "pool_size")) + pruning


def size(value: str) -> int:
    """A size as PostgreSQL writes it, such as ``8GB``, in bytes."""
    return int(value.removesuffix("GB")) * GIB


def pgbouncer(overlay: str) -> dict[str, str]:
    """The parameters of PgBouncer, whether its configuration or a Pooler gives them."""
    for pooler in of(overlay, "Pooler"):
        given = pooler["spec"]["pgbouncer"]
        return {**given["parameters"], "pool_mode": given["poolMode"]}
    (files,) = [
        each["data"] for each in of(overlay, "ConfigMap") if "pgbouncer.ini" in each["data"]
    ]
    parser = configparser.ConfigParser(allow_no_value=True, interpolation=None)
    parser.read_string(files["pgbouncer.ini"])
    return dict(parser["pgbouncer"])


@every_overlay
def test_the_startup_probe_outlasts_the_wait_for_the_database(overlay: str) -> None:
    probe = service(overlay)["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= setting(
        overlay, "retry_timeout"
    ) + setting(overlay, "connect_timeout")


@every_overlay
def test_a_rollout_outlasts_the_wait_of_a_pod_for_the_migration(overlay: str) -> None:
    (schema,) = pods(overlay)["bulk-import"]["initContainers"]
    wait = int(schema["args"][schema["args"].index("--wait") + 1])
    assert one(overlay, "Deployment")["spec"]["progressDeadlineSeconds"] > wait


@pytest.mark.parametrize("overlay", [o for o in OVERLAYS if o != "dev"])
def test_stated_sizes_are_the_defaults_or_smaller(overlay: str) -> None:
    for name in ("max_imports", "drain_timeout", "pool_size", "import_spool_bytes"):
        assert setting(overlay, name) == Settings.model_fields[name].default


@every_overlay
def test_the_memory_limit_suffices_for_every_slot(overlay: str) -> None:
    resources = service(overlay)["resources"]
    wanted = setting(overlay, "max_imports") * IMPORT + PROCESS
    assert bytes_of(resources["limits"]["memory"]) == wanted
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert "cpu" not in resources["limits"]


@every_overlay
def test_the_disk_suffices_for_the_spool(overlay: str) -> None:
    (volume,) = [each for each in pods(overlay)["bulk-import"]["volumes"] if "emptyDir" in each]
    resources = service(overlay)["resources"]
    spool = setting(overlay, "spool_bytes")
    volume_size = bytes_of(volume["emptyDir"]["sizeLimit"])
    limit = bytes_of(resources["limits"]["ephemeral-storage"])
    assert spool + GIB // 2 <= volume_size <= limit - GIB // 2
    assert "medium" not in volume["emptyDir"], "it would count as memory"
    assert resources["requests"]["ephemeral-storage"] == resources["limits"]["ephemeral-storage"]


@pytest.mark.parametrize("overlay", [o for o in OVERLAYS if o != "dev"])
def test_the_spool_stops_before_the_kubelet_evicts_the_pod(overlay: str) -> None:
    """The kubelet cannot count unlinked files, so only its threshold for the whole disk applies.

    That is 10 % of the disk, and 15 % where it holds the images too.
    """
    assert setting(overlay, "spool_reserve_bytes") > 0.15 * LARGEST_DISK


@every_overlay
def test_the_termination_grace_period_suffices_to_drain_a_pod(overlay: str) -> None:
    before = service(overlay)["lifecycle"]["preStop"]["sleep"]["seconds"]
    grace = pods(overlay)["bulk-import"]["terminationGracePeriodSeconds"]
    after = setting(overlay, "drain_timeout") + setting(overlay, "connect_timeout")
    assert before + after <= grace <= 600


@every_overlay
def test_scaling_down_removes_one_pod_in_ten_minutes(overlay: str) -> None:
    down = one(overlay, "HorizontalPodAutoscaler")["spec"]["behavior"]["scaleDown"]
    assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 600}]
    rolling = one(overlay, "Deployment")["spec"]["strategy"]["rollingUpdate"]
    assert rolling["maxUnavailable"] == 0
    assert one(overlay, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


@pooled
def test_pgbouncer_lets_every_pod_have_its_connections(overlay: str) -> None:
    configuration = pgbouncer(overlay)
    assert configuration["pool_mode"] == "transaction"
    # One of two poolers may be down, and a heartbeat must never wait for a connection.
    assert int(configuration["default_pool_size"]) >= connections(overlay)
    assert int(configuration["max_client_conn"]) >= connections(overlay)
    prepared = int(configuration["max_prepared_statements"])
    assert prepared >= setting(overlay, "statement_cache_size")


@bounced
def test_pgbouncer_listens_and_completes_its_transactions_before_it_stops(overlay: str) -> None:
    (port,) = one(overlay, "Service", "bulk-import-pgbouncer")["spec"]["ports"]
    assert str(port["port"]) == pgbouncer(overlay)["listen_port"]
    pod = pods(overlay)["bulk-import-pgbouncer"]
    ((_, _, script),) = [
        container["lifecycle"]["preStop"]["exec"]["command"] for container in pod["containers"]
    ]
    assert int(script.rpartition(" ")[2]) <= pod["terminationGracePeriodSeconds"]


def test_the_small_database_of_dev_has_connections_for_all() -> None:
    arguments = pods("dev")["bulk-import-db"]["containers"][0]["args"]
    assert "max_connections" not in str(arguments), "the default, 100, applies"
    assert connections("dev") + PEOPLE <= 100


@clustered
def test_the_cluster_has_connections_and_locks_for_all(overlay: str) -> None:
    parameters = one(overlay, "Cluster", "bulk-import-db")["spec"]["postgresql"]["parameters"]
    most = int(parameters["max_connections"])
    bouncers = one(overlay, "Pooler", "bulk-import-pooler")["spec"]["instances"]
    assert bouncers * int(pgbouncer(overlay)["default_pool_size"]) + PEOPLE <= most
    writers, groups = divide_pool(setting(overlay, "pool_size"))
    each = setting(overlay, "batch_projects") + 2  # the import's and the client's
    of_a_group = MAX_LOCKS + 2 * MAX_GROUP  # an import's own and its client's
    held = most_pods(overlay) * (writers * each + groups * of_a_group)
    assert held * 2 < int(parameters["max_locks_per_transaction"]) * most


@clustered
def test_the_cluster_has_memory_and_disk_for_its_settings(overlay: str) -> None:
    spec = one(overlay, "Cluster", "bulk-import-db")["spec"]
    parameters = spec["postgresql"]["parameters"]
    memory = bytes_of(spec["resources"]["limits"]["memory"])
    buffers = size(parameters["shared_buffers"])
    assert buffers == memory // 4
    assert buffers + connections(overlay) * CONNECTION <= memory * 3 // 4, "the rest caches files"
    kept = max(size(parameters[name]) for name in ("max_wal_size", "max_slot_wal_keep_size"))
    assert kept < bytes_of(spec["walStorage"]["size"]) * 3 // 4, "the archive may be late too"


@clustered
def test_commits_wait_for_a_synchronous_standby(overlay: str) -> None:
    spec = one(overlay, "Cluster", "bulk-import-db")["spec"]
    synchronous = spec["postgresql"]["synchronous"]
    assert synchronous["dataDurability"] == "required"
    assert spec["instances"] > synchronous["number"] + 1, "one may be away"


@every_overlay
def test_a_vanished_client_holds_its_locks_for_a_minute_at_most(overlay: str) -> None:
    def seconds(idle: str, interval: str, count: str) -> int:
        return int(idle) + int(interval) * int(count)

    if overlay == "dev":
        arguments = " ".join(pods(overlay)["bulk-import-db"]["containers"][0]["args"])
        names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
        found = [re.findall(rf"-c{name}=(\d+)", arguments)[0] for name in names]
        assert seconds(*found) <= MINUTE
        return
    configuration = pgbouncer(overlay)
    names = ("tcp_keepidle", "tcp_keepintvl", "tcp_keepcnt")
    assert configuration["tcp_keepalive"] == "1"
    assert seconds(*(configuration[name] for name in names)) <= MINUTE
    for cluster in of(overlay, "Cluster"):
        parameters = cluster["spec"]["postgresql"]["parameters"]
        names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
        assert seconds(*(parameters[name] for name in names)) <= MINUTE


def test_proxies_allow_long_uploads() -> None:
    nginx = {
        name.rpartition("/")[2]: value
        for name, value in one("production", "Ingress")["metadata"]["annotations"].items()
    }
    assert nginx["proxy-request-buffering"] == nginx["proxy-buffering"] == "off"
    assert (nginx["proxy-body-size"], nginx["proxy-http-version"]) == ("0", "1.1")
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    silence = max(defaults["status_after"], defaults["keepalive_every"], defaults["idle_timeout"])
    assert int(nginx["proxy-read-timeout"]) > 2 * silence
    assert int(nginx["proxy-send-timeout"]) > 2 * silence
    (rule,) = one("gateway", "HTTPRoute")["spec"]["rules"]
    assert rule["timeouts"] == {"request": "0s", "backendRequest": "0s"}
    assert of("gateway", "Ingress") == []
