"""Commands, names and kustomizations in the documents fit the manifests."""

import re
from pathlib import Path

import pytest
import yaml

from tests.tools.k8s.overlays import Object, composed, templates_of
from tests.tools.k8s.runbooks import (
    DOCUMENTS,
    Command,
    all_names,
    called,
    code_of,
    commands,
    exists,
    fault,
    unhashed,
)
from tests.tools.k8s.runbooks import objects as everything
from tests.tools.k8s.validation import VERSIONS, check

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
manifest_documents = [path for path in DOCUMENTS if path.stem.startswith("kubernetes")]


@every_document
def test_commands_name_what_the_manifests_make(path: Path) -> None:
    made: dict[str, str] = {}
    found = [(command, fault(command, made)) for command in commands(DOCUMENTS[path])]
    assert [(command.words, wrong) for command, wrong in found if wrong] == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("-n bulk-import logs $POD -c migrate", "container migrate"),
        ("-n bulk-import logs deployment/pgbouncer", "pods of deployment/pgbouncer"),
        ("-n bulk-import logs -l app=bulk-import", "label app=bulk-import"),
        ("-n bulk_import get pods", "namespace bulk_import"),
        ("get pods", "names no namespace"),
        ("-n bulk-import get job bulk-import-migration", "job bulk-import-migration"),
        ("-n bulk-import port-forward service/bulk-import 8080:8080", "port 8080:8080"),
        ("-n bulk-import port-forward pod/$POD 9090", "port 9090"),
        ("-n bulk-import create secret generic bulk-import-db", "secret bulk-import-db"),
        ("apply -k k8s/overlays/prod", "folder k8s/overlays/prod"),
        ("-n bulk-import create job --from=cronjob/prune now", "cronjob prune"),
    ],
)
def test_a_command_that_fits_no_manifest_is_found(line: str, wrong: str) -> None:
    (command,) = commands(f"Look: `kubectl {line} | sort`.")
    assert isinstance(command, Command)
    assert fault(command) == wrong


@every_document
def test_names_in_prose_exist(path: Path) -> None:
    text = DOCUMENTS[path]
    if "kubectl" not in text and "k8s/" not in text:
        return
    assert [(word, name) for word, name in called(text) if not exists(word, name)] == []
    spans = {unhashed(each) for each in code_of(text)}
    assert {each for each in spans if re.fullmatch(r"bulk-import-[a-z0-9-]+", each)} <= all_names()


@pytest.mark.parametrize("path", manifest_documents, ids=lambda path: path.stem)
def test_ports_in_prose_are_opened_or_allowed(path: Path) -> None:
    ports = set(re.findall(r"\bports? (\d+)", DOCUMENTS[path]))
    objects = str(everything())
    opened = set(re.findall(r"'(?:containerPort|port)': (\d+)", objects))
    assert ports <= opened | {"4318"}, "4318 is a collector's, which is not ours"


@pytest.mark.parametrize("path", manifest_documents, ids=lambda path: path.stem)
def test_kustomizations_in_the_documents_build(path: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^( *)```yaml\n(.*?)^ *```$", DOCUMENTS[path], re.M | re.S)
    for number, (indent, block) in enumerate(blocks):
        items = list(yaml.safe_load_all(re.sub(rf"^{indent}", "", block, flags=re.M)))
        if "kind" in items[0]:
            assert [check(item, VERSIONS[-1]) for item in items] == [None] * len(items)
            continue
        (own,) = items
        folder = tmp_path / str(number)
        folder.mkdir()
        for generator in own.get("configMapGenerator", []):
            for name in generator.get("files", []):
                (folder / name).touch()
        (resource,) = own.pop("resources", ["../production"])
        parts = [each.removeprefix("../../components/") for each in own.pop("components", [])]
        objects = composed(folder, f"overlays/{resource[3:]}", components=parts, **own)
        assert [check(item, VERSIONS[-1]) for item in objects] == [None] * len(objects)
        assert unmounted(objects) == []
        for target in [each["target"] for each in own.get("patches", [])]:
            assert any(
                re.fullmatch(target["kind"], item["kind"])
                and re.fullmatch(target.get("name", ".*"), item["metadata"]["name"])
                for item in objects
            )


def unmounted(objects: list[Object]) -> list[tuple[str, str]]:
    """Pods with a directory in their settings that is in no volume: their commands fail."""
    maps = {each["metadata"]["name"]: each for each in objects if each["kind"] == "ConfigMap"}
    found = []
    for name, template in templates_of(objects).items():
        for container in template["spec"]["containers"]:
            settings = {each["name"]: each.get("value") for each in container.get("env", [])}
            for source in container.get("envFrom", []):
                if "configMapRef" in source:
                    settings |= maps[source["configMapRef"]["name"]]["data"]
            mounts = {each["mountPath"] for each in container.get("volumeMounts", [])}
            directories = {value for key, value in settings.items() if key.endswith("_DIR")}
            found += [(name, each) for each in directories - mounts - {"/spool"}]
    return found
