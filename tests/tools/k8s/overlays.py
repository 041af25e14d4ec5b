"""What kustomize makes of the overlays, as objects."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.paths import CHECKOUT

OVERLAYS: Final = sorted(path.name for path in (CHECKOUT / "k8s" / "overlays").iterdir())

_USED: Final = "\n".join(
    (CHECKOUT / "k8s" / "overlays" / name / "kustomization.yaml").read_text("utf-8")
    for name in OVERLAYS
)
OPTIONAL: Final = sorted(
    path.name
    for path in (CHECKOUT / "k8s" / "components").iterdir()
    if f"components/{path.name}\n" not in _USED or path.name == "database-tls"
)
"""Components that no overlay has, because they depend on the cluster.

cloudnativepg has the component database-tls without its part for PgBouncer.
"""

Object = dict[str, Any]

_SECRET: Final = re.compile(
    r"secretName|\w*[sS]ecret(Key)?(Ref)? name|(accessKeyId|secretAccessKey) name"
)
"""The fields that name a Secret."""


@cache
def build(overlay: str) -> list[Object]:
    """The objects of an overlay; they are shared, and not to be changed; raises as ``made_of``."""
    return made_of(CHECKOUT / "k8s" / "overlays" / overlay)


def made_of(folder: Path) -> list[Object]:
    """The objects that a folder makes.

    Raises:
        RuntimeError: kustomize refuses it; contains its output.
    """
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True)
    if done.returncode or done.stderr:
        raise RuntimeError(done.stderr)
    return list(yaml.load_all(done.stdout, yaml.CSafeLoader))


def composed(
    folder: Path, *resources: str, components: Sequence[str] = (), **more: Any
) -> list[Object]:
    """What an overlay outside the checkout's ``k8s`` makes of it; raises as ``made_of``.

    Args:
        folder: an empty folder for the overlay.
        resources: folders under ``k8s``, such as ``overlays/production``, or absolute paths.
        components: names of folders under ``k8s/components``.
        more: further fields of its kustomization.yaml.
    """
    root = CHECKOUT / "k8s"

    def relative(path: Path) -> str:  # kustomize takes no absolute path
        return os.path.relpath(path.resolve(), folder.resolve())

    text = {
        "resources": [relative(root / each) for each in resources],
        "components": [relative(root / "components" / each) for each in components],
        **more,
    }
    folder.mkdir(exist_ok=True)
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(text), "utf-8")
    return made_of(folder)


@cache
def with_component(component: str) -> list[Object]:
    """What a component that no overlay has makes of production; not to be changed."""
    with tempfile.TemporaryDirectory() as folder:
        return composed(Path(folder), "overlays/production", components=[component])


def one(overlay: str, kind: str, name: str = "bulk-import") -> Object:
    """The object of a kind and name; a migration goes by the beginning of its name."""
    found = [each for each in of(overlay, kind) if each["metadata"]["name"].startswith(name)]
    exact = [each for each in found if each["metadata"]["name"] == name]
    (only,) = exact or found
    return only


def of(overlay: str, kind: str) -> list[Object]:
    """All objects of a kind."""
    return [each for each in build(overlay) if each["kind"] == kind]


def templates(overlay: str) -> dict[str, Object]:
    """What every Deployment, StatefulSet, Job and CronJob makes pods of, by its name."""
    return templates_of(build(overlay))


def templates_of(objects: list[Object]) -> dict[str, Object]:
    """The same of any objects."""
    found = {}
    for each in objects:
        if each["kind"] == "Pooler":  # the operator adds the rest of its pods
            continue
        spec = each.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template is not None:
            found[each["metadata"]["name"]] = template
    return found


def pods(overlay: str) -> dict[str, Object]:
    """What each of them starts."""
    return {name: template["spec"] for name, template in templates(overlay).items()}


def service(overlay: str) -> Object:
    """The container that serves."""
    (container,) = pods(overlay)["bulk-import"]["containers"]
    assert isinstance(container, dict)
    return container


def settings(overlay: str) -> dict[str, str]:
    """The data of the ConfigMap that the service's ``envFrom`` names."""
    (name,) = [
        source["configMapRef"]["name"]
        for source in service(overlay)["envFrom"]
        if "configMapRef" in source
    ]
    data = one(overlay, "ConfigMap", name)["data"]
    assert isinstance(data, dict)
    return data


def secrets(value: object, key: str = "") -> Iterator[str]:
    """The names of secrets, wherever in a value they are referred to."""
    if isinstance(value, list):
        for each in value:
            yield from secrets(each, key)
    elif isinstance(value, dict):
        for inner, each in value.items():
            yield from secrets(each, inner if inner != "name" else f"{key} name")
    elif isinstance(value, str) and _SECRET.fullmatch(key):
        yield value


def images(overlay: str) -> set[str]:
    """All images that an overlay names, also in custom objects."""
    return set(_images(build(overlay)))


def _images(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _images(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key in ("image", "imageName") and isinstance(each, str):
                yield each
            else:
                yield from _images(each)
