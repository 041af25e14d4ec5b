"""Every image has another migration Job, in overlays on overlays too."""

import re
from pathlib import Path

import pytest
import yaml

from tests.support.paths import CHECKOUT
from tests.tools.k8s.overlays import OVERLAYS, Object, build, composed, one
from tests.tools.k8s.validation import VERSIONS, check

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""What the name of a Job, Service, container or label value may be (RFC 1123)."""

EXAMPLE = yaml.safe_load((CHECKOUT / "k8s/overlays/example/kustomization.yaml").read_text("utf-8"))
(EXAMPLE_IMAGE,) = EXAMPLE["images"]

DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGES = {
    "registry.acme.example/bulk-import:0.2.0": {"newTag": "0.2.0"},
    "registry:5000/bulk-import:0.2.0": {"newName": "registry:5000/bulk-import", "newTag": "0.2.0"},
    f"registry.acme.example/bulk-import@{DIGEST}": {"digest": DIGEST},
    "registry.acme.example/bulk-import:v1.0.0-RC_1": {"newTag": "v1.0.0-RC_1"},
}
"""A changed tag, a registry with a port, a digest, and a tag that no name may contain."""


def migration(objects: list[Object]) -> Object:
    (job,) = [each for each in objects if each["kind"] == "Job"]
    return job


def images(objects: list[Object]) -> set[str]:
    """The images of the service, its init container, the migration and pruning."""
    found = set(re.findall(r"'image': '([^']*/bulk-import[:@][^']*)'", str(objects)))
    assert found
    return found


def overlay_of_your_own(folder: Path, image: dict[str, str]) -> list[Object]:
    """Build a copy of the example that sets another image."""
    name = {"name": EXAMPLE_IMAGE["name"], "newName": "registry.acme.example/bulk-import"}
    own = {key: value for key, value in EXAMPLE.items() if key != "resources"}
    own["images"] = [name | image]
    return composed(folder, "overlays/gateway", **own)


def test_the_job_of_every_kind_of_image_has_a_valid_name_of_its_own(tmp_path: Path) -> None:
    names = {migration(build("example"))["metadata"]["name"]}
    for number, (image, change) in enumerate(IMAGES.items()):
        objects = overlay_of_your_own(tmp_path / str(number), change)
        assert images(objects) == {image}
        for item in objects:
            assert NAME.fullmatch(item["metadata"]["name"]), item["metadata"]["name"]
        assert check(migration(objects), VERSIONS[-1]) is None
        names.add(migration(objects)["metadata"]["name"])
    assert len(names) == 1 + len(IMAGES)


def test_the_job_changes_only_with_its_image_or_a_literal(tmp_path: Path) -> None:
    """A second ``kubectl apply`` changes nothing; an overlay that patches the Job can rename it."""

    def on_top(generator: str, literal: str) -> str:
        objects = composed(
            tmp_path / generator,
            str(tmp_path / "first"),
            namespace="bulk-import",
            configMapGenerator=[{"name": generator, "behavior": "merge", "literals": [literal]}],
        )
        return name_of(migration(objects))

    def name_of(job: Object) -> str:
        return str(job["metadata"]["name"])

    newer = {"newTag": "0.2.0"}
    first, again = (overlay_of_your_own(tmp_path / name, newer) for name in ("first", "again"))
    assert migration(first) == migration(again)
    assert on_top("bulk-import-settings", "BULK_IMPORT_WRITERS=2") == name_of(migration(first))
    assert on_top("bulk-import-migrate", "memory=256Mi") != name_of(migration(first))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_job_of_an_overlay_runs_the_image_of_its_pods(overlay: str) -> None:
    job = migration(build(overlay))
    pod = one(overlay, "Deployment")["spec"]["template"]["spec"]
    containers = job["spec"]["template"]["spec"]["containers"]
    assert (
        len({each["image"] for each in containers + pod["containers"] + pod["initContainers"]}) == 1
    )
    assert re.fullmatch(r"bulk-import-migrate-[a-z0-9]{10}", job["metadata"]["name"])
    assert job["spec"]["ttlSecondsAfterFinished"] > 0
