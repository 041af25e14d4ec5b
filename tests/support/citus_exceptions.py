"""Tests that do not apply to Citus, and why: ``make test-citus`` leaves them out."""

from typing import Final

NOT_ON_CITUS: Final[dict[str, str]] = {
    "test_fast_path.py::test_an_upload_of_one_project_is_one_transaction": (
        "counts the transactions of a server, of which Citus begins some itself"
    ),
}
"""By a part of the test's id, the reason."""
