"""The manifests that a release has as files."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.paths import CHECKOUT
from tests.tools.k8s.overlays import OVERLAYS

IMAGE = "ghcr.io/acme/bulk-import"


@pytest.mark.parametrize("version", ["1.2.3", f"sha256:{'0123456789abcdef' * 4}"])
def test_every_overlay_but_the_template_is_written_with_the_image(
    version: str, tmp_path: Path
) -> None:
    script = CHECKOUT / "scripts" / "render.sh"
    done = subprocess.run([script, IMAGE, version, tmp_path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    written = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    overlays = set(OVERLAYS) - {"example"}
    assert set(written) == {f"bulk-import-{overlay}.yaml" for overlay in overlays}
    reference = f"{IMAGE}{'@' if ':' in version else ':'}{version}"
    for text in written.values():
        assert "registry.example.com" not in text
        objects = list(yaml.load_all(text, yaml.CSafeLoader))
        (service,) = [
            each
            for each in objects
            if (each["kind"], each["metadata"]["name"]) == ("Deployment", "bulk-import")
        ]
        pod = service["spec"]["template"]["spec"]
        images = {each["image"] for each in pod["containers"] + pod["initContainers"]}
        assert images == {reference}
