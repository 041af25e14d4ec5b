"""Tests that do not apply to Citus, and why: ``make test-citus`` leaves them out."""

from typing import Final

NOT_ON_CITUS: Final[dict[str, str]] = {}
"""By the beginning of the test's id below ``tests/integration``, the reason."""
