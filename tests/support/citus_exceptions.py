"""Tests that do not apply to Citus, and why: ``make test-citus`` leaves them out."""

from typing import Final

NOT_ON_CITUS: Final[dict[str, str]] = {
    "imports/test_fast_path.py": "small uploads take the long way on Citus",
    "integration/report/": "on Citus, no role can be limited to some clients",
}
"""By a part of the test's id, the reason."""
