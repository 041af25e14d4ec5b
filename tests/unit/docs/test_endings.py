"""Every way in which an import ends, as the documentation lists them, has tests that show it."""

import re
from typing import Final

import pytest

from tests.support.paths import CHECKOUT

SHOWN: Final = {
    "the service read the whole file": {
        "http/test_contract.py": ["test_207_tells_each_project_in_the_order_of_the_file"],
        "http/test_keys.py": ["test_a_repeated_upload_is_answered_byte_for_byte"],
    },
    "the same, and locks or versions refused every project": {
        "http/test_endings.py": [
            "test_a_refusal_of_all_is_a_409",
            "test_a_late_refusal_of_all_is_told_in_the_items",
        ],
        "http/test_keys.py": [
            "test_a_refusal_of_all_frees_the_key",
            "test_a_refusal_of_all_told_as_a_207_frees_the_key",
        ],
    },
    "the XML, gzip or ZIP breaks off, or the file exceeds a limit, after a complete project": {
        "imports/test_pipeline.py": [
            "test_what_is_complete_before_a_break_lands_and_the_break_is_told_last"
        ],
        "http/test_compressed.py": [
            "test_projects_before_a_corrupt_place_land",
            "test_a_bomb_in_the_part_or_around_the_request",
        ],
        "http/test_multipart.py": ["test_an_upload_beyond_its_limit_keeps_the_complete_projects"],
        "http/test_keys.py": ["test_a_file_that_breaks_off_keeps_its_key"],
    },
    "the same before any complete project, or the request is invalid": {
        "imports/test_pipeline.py": ["test_a_file_without_a_complete_project_fails_the_import"],
        "http/test_multipart.py": [
            "test_an_error_before_the_file_refuses_the_upload",
            "test_an_upload_beyond_its_limit_without_a_complete_project_is_a_413",
        ],
        "http/test_keys.py": ["test_a_refused_upload_frees_its_key"],
    },
    "a project of an [atomic](#all-or-nothing) import failed": {
        "http/test_atomic.py": [
            "test_one_that_fails_in_the_file_takes_all_with_it",
            "test_one_that_fails_on_the_server_takes_all_with_it",
            "test_locks_and_versions_alone_are_a_409",
        ],
    },
    "the client disconnected before the closing boundary": {
        "http/test_endings.py": ["test_a_client_that_leaves_before_its_last_byte_interrupts"],
        "http/test_keys.py": ["test_an_interrupted_import_is_gone_on_with"],
    },
    "no byte arrived for 30 seconds, or the upload took longer than four hours": {
        "http/test_endings.py": ["test_an_upload_that_stops_is_interrupted"],
    },
    "the grace period of a shutdown ended, the database was unreachable for too long, or working"
    " files ran out of space": {
        "http/test_cut_short.py": [
            "test_a_shutdown_past_its_grace_tells_what_has_landed",
            "test_a_shutdown_past_its_grace_cuts_an_answer_that_has_begun",
            "test_a_lack_of_room_in_the_middle_tells_what_has_landed",
        ],
        "faults/test_server.py": ["test_a_server_that_stays_away_is_told_and_what_landed_stays"],
    },
    "the process died": {
        "faults/test_takeover.py": [
            "test_one_that_was_killed_is_found_by_its_heartbeat_and_gone_on_with",
            "test_one_stopped_in_a_copy_commits_nothing_when_it_wakes",
        ],
    },
    "a user cancelled the import": {
        "http/test_cancel.py": [
            "test_a_running_import_is_stopped_and_its_sender_told",
            "test_one_whose_owner_is_dead_is_closed_here_and_now",
            "test_its_key_is_free",
        ],
    },
    "the service failed": {
        "http/test_cut_short.py": ["test_a_fault_of_ours_tells_what_has_landed"],
    },
}
"""By cause, the tests that show its state, its answer and what becomes of the key."""


def test_every_documented_cause_is_tested() -> None:
    text = (CHECKOUT / "docs" / "how-an-import-ends.md").read_text("utf-8")
    table = text.split("\n\n")[2].splitlines()
    assert [row.split(" | ")[0].removeprefix("| ") for row in table[2:]] == [*SHOWN]


@pytest.mark.parametrize("cause", SHOWN)
def test_the_tests_of_a_cause_exist(cause: str) -> None:
    for path, names in SHOWN[cause].items():
        text = (CHECKOUT / "tests" / "integration" / path).read_text("utf-8")
        assert set(names) <= set(re.findall(r"^async def (test_\w+)", text, re.M))
