"""Validate the manifests for three versions of Kubernetes, and test the alerts with promtool.

    python -m tests.tools.k8s

Requires promtool (Debian package: prometheus). Prints a table. The exit code is 0 if everything is
valid, else 1. The other tests of the manifests need neither program and run in every test run."""

import copy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import yaml

from tests.tools.k8s.expressions import GROUPS, advised, as_rules, asked
from tests.tools.k8s.overlays import OPTIONAL, OVERLAYS, build, one, with_component
from tests.tools.k8s.validation import VERSIONS, check

ALERTS: Final = Path(__file__).with_name("alerts.test.yaml")


def main() -> int:
    """The code to end with."""
    faults = validate()
    faults += not mistake_is_caught()
    faults += not promtool()
    print("all is valid" if not faults else f"{faults} faults")
    return min(faults, 1)


def validate() -> int:
    """Print a table of the objects by overlay or component and each fault; their number."""
    print(f"{'overlay or component':<20} {'objects':>7}  {'  '.join(VERSIONS)}")
    found = []
    made = {name: build(name) for name in OVERLAYS} | {
        name: with_component(name) for name in OPTIONAL
    }
    for name, objects in made.items():
        faults = {
            version: [fault for item in objects if (fault := check(item, version))]
            for version in VERSIONS
        }
        valid = "  ".join(f"{len(objects) - len(faults[version]):>4}" for version in VERSIONS)
        print(f"{name:<20} {len(objects):>7}  {valid}")
        found += [f"{name}, {version}: {fault}" for version in faults for fault in faults[version]]
    for fault in found:
        print(fault)
    return len(found)


def mistake_is_caught() -> bool:
    """Misspell one field, and print what comes of it."""
    item = copy.deepcopy(one(OVERLAYS[0], "Deployment"))
    item["spec"]["template"]["spec"]["terminationGracePeriod"] = 590
    fault = check(item, VERSIONS[-1])
    print(f"a deliberate mistake: {fault or 'not caught'}")
    return fault is not None


def promtool() -> bool:
    """Check the rules and what the dashboard and the documentation ask, and try each alert."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": GROUPS}), "utf-8")
        queries = as_rules(asked() + advised())
        (folder / "queries.yaml").write_text(yaml.safe_dump(queries), "utf-8")
        shutil.copy(ALERTS, folder)
        ran = [
            subprocess.run(["promtool", *command], cwd=folder).returncode
            for command in (
                ("check", "rules", "rules.yaml", "queries.yaml"),
                ("test", "rules", ALERTS.name),
            )
        ]
    return not any(ran)


if __name__ == "__main__":
    sys.exit(main())
