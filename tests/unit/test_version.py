"""The version of a build: from the tags of git, or from what a tree without git's files carries."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.support.paths import CHECKOUT

ARGUMENT = "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_PROJECT_BULK_IMPORT"
IDENTITY = {
    f"GIT_{who}_{what}": "somebody@example.com"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, env=os.environ | IDENTITY, check=True)


def version(root: Path, **environment: str) -> str:
    command = [sys.executable, "-m", "setuptools_scm"]
    printed = subprocess.check_output(command, cwd=root, env=os.environ | environment, text=True)
    return printed.strip()


def test_a_build_argument_is_the_version_of_a_tree_without_git(tmp_path: Path) -> None:
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    assert version(tmp_path, **{ARGUMENT: "1.2.3"}) == "1.2.3"
    assert version(tmp_path, **{ARGUMENT: ""}) == "0.0.0"


def test_only_a_clean_commit_with_a_tag_has_the_version_of_a_release(tmp_path: Path) -> None:
    root, unpacked = tmp_path / "repository", tmp_path / "archive"
    root.mkdir()
    for name in ("pyproject.toml", ".gitattributes", ".git_archival.txt"):
        shutil.copy(CHECKOUT / name, root)
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=first")
    assert version(root).startswith("0.0.1.dev1+g")

    git(root, "tag", "v1.2.3")
    git(root, "tag", "backup-2026")  # not a release
    assert version(root) == "1.2.3"
    git(root, "archive", f"--output={tmp_path / 'archive.tar'}", "HEAD")
    with tarfile.open(tmp_path / "archive.tar") as packed:
        packed.extractall(unpacked, filter="data")
    assert version(unpacked) == "1.2.3"

    with (root / "pyproject.toml").open("a") as file:
        file.write("\n")
    dirty = version(root)
    git(root, "commit", "--quiet", "--all", "--message=second")
    clean = version(root)
    assert dirty.startswith("1.2.4.dev0+g")
    assert clean.startswith("1.2.4.dev1+g")
    assert (".d20" in dirty, ".d20" in clean) == (True, False)
