"""Every documented way in which an import ends has tests that prove it."""

import re
from typing import Final

import pytest

from tests.support.paths import CHECKOUT

SHOWN: Final = {
    "the service read all files": {
        "http/test_contract.py": ["test_a_207_lists_each_project_in_the_order_of_the_file"],
        "http/test_keys.py": ["test_a_repeated_upload_is_answered_byte_for_byte"],
    },
    "the same, and locks or versions refused every project": {
        "http/test_endings.py": [
            "test_a_conflict_of_every_project_is_a_409",
            "test_a_late_conflict_of_every_project_is_reported_per_project",
        ],
        "http/test_keys.py": [
            "test_a_conflict_of_every_project_frees_the_key",
            "test_a_conflict_of_every_project_reported_as_a_207_frees_the_key",
        ],
    },
    "a file breaks off, exceeds a limit or is no plan, and the upload has other files or a complete"
    " project before that place": {
        "http/test_many_files.py": [
            "test_a_broken_file_is_an_outcome_and_the_next_file_is_read",
            "test_the_fault_of_an_only_file_is_an_outcome_if_a_project_precedes_it",
        ],
        "imports/test_pipeline.py": [
            "test_projects_before_a_syntax_error_are_imported_and_the_error_is_reported_last"
        ],
        "http/test_compressed.py": [
            "test_projects_before_corrupt_data_are_imported",
            "test_a_bomb_in_the_part_or_the_request_is_refused",
        ],
        "http/test_multipart.py": ["test_an_upload_beyond_its_limit_keeps_the_complete_projects"],
        "http/test_keys.py": ["test_a_truncated_file_keeps_its_key"],
    },
    "the only file of an upload has such a fault before its first complete project, or the request"
    " is invalid": {
        "imports/test_pipeline.py": ["test_a_file_without_a_complete_project_fails_the_import"],
        "http/test_multipart.py": [
            "test_an_error_before_the_file_refuses_the_upload",
            "test_an_upload_beyond_its_limit_without_a_complete_project_is_a_413",
        ],
        "http/test_keys.py": ["test_a_refused_upload_frees_its_key"],
    },
    "a project or a file of an atomic import failed": {
        "http/test_many_files.py": ["test_atomic_spans_all_files"],
        "http/test_atomic.py": [
            "test_one_invalid_project_fails_an_atomic_import",
            "test_one_project_refused_by_its_mode_fails_an_atomic_import",
            "test_an_atomic_import_with_only_version_conflicts_is_a_409",
        ],
    },
    "the client disconnected before the closing boundary": {
        "http/test_endings.py": [
            "test_a_client_that_disconnects_before_its_last_byte_interrupts_its_import"
        ],
        "http/test_keys.py": ["test_an_interrupted_import_is_resumed_by_the_same_key"],
    },
    "no byte arrived for 30 seconds, or the upload took longer than four hours": {
        "http/test_endings.py": ["test_an_upload_that_stalls_is_interrupted"],
    },
    "the grace period of a shutdown ended, the database was unreachable for too long, or working"
    " files ran out of space": {
        "http/test_cut_short.py": [
            "test_a_shutdown_past_its_grace_period_reports_what_was_imported",
            "test_a_shutdown_past_its_grace_period_aborts_a_started_response",
            "test_a_lack_of_space_during_an_import_reports_what_was_imported",
        ],
        "faults/test_server.py": ["test_an_unreachable_server_is_a_503_and_imported_projects_stay"],
    },
    "the database lost commits of the import, as after a fail-over to an asynchronous standby": {
        "imports/test_ends.py": [
            "test_commits_that_are_lost_under_a_running_import_interrupt_it",
            "test_an_outcome_that_is_lost_interrupts_every_kind_of_import",
        ],
        "faults/test_failover.py": [
            "test_commits_lost_by_an_asynchronous_failover_interrupt_the_import"
        ],
    },
    "the process died": {
        "faults/test_takeover.py": [
            "test_an_import_of_a_killed_process_expires_and_is_resumed_by_another",
            "test_a_process_stopped_during_a_copy_commits_nothing_after_it_continues",
        ],
    },
    "a user cancelled the import": {
        "http/test_cancel.py": [
            "test_cancelling_a_running_import_stops_it_and_answers_its_sender_with_409",
            "test_cancelling_an_import_without_an_owner_ends_it_once_its_heartbeat_expires",
            "test_a_cancelled_import_frees_its_key",
        ],
    },
    "the service failed": {
        "http/test_cut_short.py": ["test_an_internal_error_reports_what_was_imported"],
    },
}
"""The tests of each cause: its state, its response and the fate of the key."""


def test_every_documented_cause_is_tested() -> None:
    text = (CHECKOUT / "docs" / "explanation" / "how-an-import-ends.md").read_text("utf-8")
    table = text.split("\n\n")[2].splitlines()
    causes = [row.split(" | ")[0].removeprefix("| ") for row in table[2:]]
    assert [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", cause) for cause in causes] == [*SHOWN]


@pytest.mark.parametrize("cause", SHOWN)
def test_the_tests_of_a_cause_exist(cause: str) -> None:
    for path, names in SHOWN[cause].items():
        text = (CHECKOUT / "tests" / "integration" / path).read_text("utf-8")
        assert set(names) <= set(re.findall(r"^async def (test_\w+)", text, re.M))
