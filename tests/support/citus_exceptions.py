"""Tests that do not apply to Citus, and why: ``make test-citus`` leaves them out."""

from typing import Final

NOT_ON_CITUS: Final[dict[str, str]] = {
    "imports/test_fast_path.py": "small uploads take the long way on Citus",
}
"""By a part of the test's id, the reason."""
