"""Where real project files are: beside the checkout, for whoever has them."""

from pathlib import Path

REAL = Path(__file__).parents[4] / "shared" / "real"
"""Plans of Microsoft Project and Primavera, and what an independent reader found in each."""

FILES = {file: file.read_bytes() for file in sorted(REAL.glob("*/*.xml"))}

HERE = f"needs the real files, which are not part of the project, in {REAL.name}/ beside it"


def expected_of(file: Path) -> Path:
    """What the independent reader found: one line of JSON for each project of the file."""
    return REAL / "expected" / f"{file.parent.name}-{file.name}.jsonl"
