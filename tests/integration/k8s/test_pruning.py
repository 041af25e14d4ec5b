"""A CronJob prunes instead of the pods, one job at a time, with only the privileges it needs."""

import pytest

from service.settings import Settings
from tests.tools.k8s.overlays import OVERLAYS, Object, of, one, pods, settings, templates

NAME = "bulk-import-prune"
PRUNING = [overlay for overlay in OVERLAYS if of(overlay, "CronJob")]

where_it_prunes = pytest.mark.parametrize("overlay", PRUNING)


def test_production_overlays_have_a_pruning_cronjob() -> None:
    assert PRUNING == ["cloudnativepg", "example", "gateway", "production"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_prune_where_no_cronjob_does(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if (said := settings(overlay).get("BULK_IMPORT_PRUNE")) is not None:
        monkeypatch.setenv("BULK_IMPORT_PRUNE", said)
    assert Settings().prune is (overlay not in PRUNING)


@where_it_prunes
def test_the_cronjob_runs_one_round_at_a_time_and_keeps_its_history(overlay: str) -> None:
    spec = one(overlay, "CronJob", NAME)["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    minutes = Settings.model_fields["prune_every"].default // 60
    assert spec["schedule"] == f"*/{minutes} * * * *"
    assert 0 < spec["startingDeadlineSeconds"] < minutes * 60
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (1, 3)
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 0


@where_it_prunes
def test_pruning_runs_with_the_image_and_settings_of_the_pods(overlay: str) -> None:
    pod, served = pods(overlay)[NAME], pods(overlay)["bulk-import"]
    (migration,) = [each for name, each in pods(overlay).items() if "migrate" in name]
    for field in ("securityContext", "serviceAccountName", "restartPolicy"):
        assert pod[field] == migration[field]
    (container,) = pod["containers"]
    (serving,) = served["containers"]
    assert (container["image"], container["env"]) == (serving["image"], serving["env"])
    assert [source for source in serving["envFrom"] if "configMapRef" in source] == (
        container["envFrom"]
    ), "it keeps what the pods' settings say, and needs no token's secret"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_user_of_the_database_can_reach_pgbouncer(overlay: str) -> None:
    names = {
        template["metadata"]["labels"]["app.kubernetes.io/name"] for template in every(overlay)
    }
    pooler = "bulk-import-pgbouncer"
    clients = names & {"bulk-import", NAME}
    for name in clients if pooler in names else ():
        assert leaves(overlay, name, pooler, 6432)
        assert enters(overlay, name, pooler, 6432)
    for name in {"bulk-import-migrate"} | ({pooler} if pooler in names else clients):
        database = "bulk-import-db"
        assert leaves(overlay, name, database, 5432)
        if database in names or of(overlay, "Cluster"):
            assert enters(overlay, name, database, 5432)
    assert not leaves(overlay, NAME, "bulk-import", 443), "the issuer is nothing to it"


def every(overlay: str) -> list[Object]:
    return [*templates(overlay).values()]


def leaves(overlay: str, name: str, target: str, port: int) -> bool:
    """Whether a policy lets pods of a name out to others at a port."""
    return passes(overlay, "egress", "to", name, target, port)


def enters(overlay: str, name: str, target: str, port: int) -> bool:
    """Whether a policy lets pods of a name in to others at a port."""
    return passes(overlay, "ingress", "from", target, name, port)


def passes(overlay: str, way: str, peers: str, here: str, there: str, port: int) -> bool:
    return any(
        port in [each["port"] for each in rule.get("ports", [])]
        and (
            peers not in rule
            or any(selects(peer.get("podSelector"), there) for peer in rule[peers])
        )
        for policy in of(overlay, "NetworkPolicy")
        if selects(policy["spec"]["podSelector"], here)
        for rule in policy["spec"].get(way, [])
    )


def selects(selector: Object | None, name: str) -> bool:
    """Whether pods of a name are meant; those of the database have the operator's label as well."""
    if selector is None:
        return False
    labels = {"app.kubernetes.io/name": name, "cnpg.io/cluster": name}
    wanted = selector.get("matchLabels", {}).items()
    among = selector.get("matchExpressions", [])
    return wanted <= labels.items() and all(labels.get(e["key"]) in e["values"] for e in among)
