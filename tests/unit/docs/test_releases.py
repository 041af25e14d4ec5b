"""Releases: the changelog, the notes made of it, and the workflow that makes a release of a tag."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import CHECKOUT

NOTES = CHECKOUT / "scripts" / "release_notes.sh"
WORKFLOW = CHECKOUT / ".github" / "workflows" / "release.yaml"
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
AREAS = {"Import", "Read and change", "Commands", "Operation"}
"""Sections of the first release, which has nothing to be compared with."""


def test_the_changelog_begins_with_what_is_not_released_and_has_every_tag() -> None:
    text = (CHECKOUT / "CHANGELOG.md").read_text("utf-8")
    first, *released = re.findall(r"^## (.+)$", text, re.M)
    assert first == "[Unreleased]"
    matches = [
        re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", head) for head in released
    ]
    versions = [tuple(map(int, match.groups())) for match in matches if match]
    assert len(versions) == len(released), released
    assert versions == sorted(set(versions), reverse=True)
    assert set(re.findall(r"^### (.+)$", text, re.M)) <= KINDS | AREAS
    tags = subprocess.check_output(["git", "tag", "--list", "v*"], cwd=CHECKOUT, text=True)
    tagged = re.findall(r"^v(\d+)\.(\d+)\.(\d+)$", tags, re.M)
    assert {tuple(map(int, tag)) for tag in tagged} <= set(versions)


def test_the_notes_of_a_release_are_its_part_of_the_changelog(tmp_path: Path) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(
        "# Changelog\n\n## [Unreleased]\n\n- d\n\n## [1.2.3] - 2027-01-02\n\n### Added\n\n- a\n\n"
        "## [1.2.0] - 2027-01-01\n\n- b\n",
        "utf-8",
    )
    notes = subprocess.check_output([NOTES, "1.2.3", changelog], text=True)
    assert notes == "\n### Added\n\n- a\n\n"
    early = subprocess.check_output([NOTES, "1.3.0-rc.1", changelog], text=True)
    assert early == "\n- d\n\n"
    missing = subprocess.run([NOTES, "1.2", changelog], capture_output=True, text=True)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "has no heading ## [1.2]" in missing.stderr


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    text = WORKFLOW.read_text("utf-8")
    loaded = yaml.safe_load(text)
    assert isinstance(loaded, dict)
    return loaded


def test_the_workflow_pins_every_action_by_commit() -> None:
    lines = [line for line in WORKFLOW.read_text("utf-8").splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_the_workflow_grants_each_job_only_what_it_needs(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {}
    granted = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    assert granted == {
        "test": {"contents": "read"},
        "image": {"contents": "read", "packages": "write", "id-token": "write"},
        "wheels": {"contents": "read"},
        "manifests": {"contents": "read"},
        "release": {"contents": "write", "id-token": "write"},
    }
    # A job that may write runs no code of a dependency, beside the actions and the image's build.
    for name in ("image", "release"):
        steps = [step.get("run", "") for step in workflow["jobs"][name]["steps"]]
        assert not re.search(r"\bmake\b|\bpip3?\b|\bnpm\b", "\n".join(steps)), name
    text = WORKFLOW.read_text("utf-8")
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"GITHUB_TOKEN"}
    # Values of an event in a script would be commands of the person who names the tag.
    scripts = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert not [script for script in scripts if "${{" in script]


def test_the_workflow_tests_in_the_image_that_builds(workflow: dict[str, Any]) -> None:
    (build,) = re.findall(r"^ARG BUILD=(\S+)$", (CHECKOUT / "Dockerfile").read_text("utf-8"), re.M)
    assert workflow["jobs"]["test"]["container"]["image"] == build
