"""Objects against their schemas, where an unknown field is as wrong as a bad value."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Final

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import yaml

from tests.tools.k8s.overlays import Object

VERSIONS: Final = ("1.35", "1.36", "1.37")
"""Kubernetes' own three that are maintained."""

_OURS: Final = Path(__file__).with_name("schemas")


def check(item: Object, version: str) -> str | None:
    """What is wrong with an object in a version of Kubernetes, if something is.

    Kubernetes' own kinds go by its schemas, custom ones by ours, which hold the fields in use.
    """
    return _check(json.dumps(item, sort_keys=True), version)


@cache  # most objects are the same in several overlays
def _check(text: str, version: str) -> str | None:
    item = json.loads(text)
    try:
        custom = _OURS / f"{item['kind'].lower()}.yaml"
        if custom.exists():
            jsonschema.validate(item, yaml.safe_load(custom.read_text("utf-8")))
            if item["kind"] == "Pooler":
                kubernetes_validate.validate(_as_deployment(item), version, strict=True)
        else:
            kubernetes_validate.validate(item, version, strict=True)
    except jsonschema.ValidationError as error:
        where = "/".join(map(str, error.absolute_path))
        return f"{item['kind']} {item['metadata']['name']}: {where}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        return str(error.message)
    return None


def _as_deployment(pooler: Object) -> Object:
    """A Deployment with the template of a pooler, as the operator makes it."""
    labels = {"cnpg.io/poolerName": pooler["metadata"]["name"]}
    template = pooler["spec"]["template"] | {"metadata": {"labels": labels}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return pooler | {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}


def bytes_of(quantity: str) -> int:
    """A quantity of memory or disk, such as ``1280Mi``, in bytes."""
    match = re.fullmatch(r"(\d+)(Ki|Mi|Gi)", quantity)
    assert match is not None, quantity
    power: int = 1 + ["Ki", "Mi", "Gi"].index(match[2])
    return int(match[1]) << 10 * power
