"""The patch of docs/operate/kubernetes/database.md makes a cluster that recovers from a backup."""

from pathlib import Path

import yaml

from tests.support.paths import CHECKOUT
from tests.tools.k8s.overlays import Object, composed, one
from tests.tools.k8s.validation import VERSIONS, check
from tests.tools.restore.runbook import block


def test_the_patch_recovers_the_cluster_while_nothing_uses_it(tmp_path: Path) -> None:
    patch = yaml.safe_load(
        block(
            "Recover to a point in time",
            CHECKOUT / "docs" / "operate" / "kubernetes" / "database.md",
        )
    )
    assert patch.pop("resources") == ["../cloudnativepg"]
    objects = composed(tmp_path, "overlays/cloudnativepg", **patch)
    assert [fault for item in objects if (fault := check(item, VERSIONS[-1]))] == []
    by_kind: dict[str, Object] = {each["kind"]: each.get("spec", {}) for each in objects}
    before, after = one("cloudnativepg", "Cluster")["spec"], by_kind["Cluster"]
    recovery, initdb = after["bootstrap"]["recovery"], before["bootstrap"]["initdb"]
    assert list(after["bootstrap"]) == ["recovery"]
    assert {name: recovery[name] for name in initdb} == initdb
    (source,) = after["externalClusters"]
    (old,), (new,) = before["plugins"], after["plugins"]
    assert source["name"] == recovery["source"]
    assert source["plugin"]["name"] == old["name"]
    assert source["plugin"]["parameters"] == {**old["parameters"], "serverName": "bulk-import-db"}
    assert new["parameters"]["serverName"] != "bulk-import-db"
    assert by_kind["CronJob"]["suspend"] is True
    (service,) = (
        each
        for each in objects
        if each["kind"] == "Deployment" and each["metadata"]["name"] == "bulk-import"
    )
    assert service["spec"]["replicas"] == 0
