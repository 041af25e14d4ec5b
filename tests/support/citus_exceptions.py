"""Tests that do not apply to Citus, and why: ``make test-citus`` leaves them out."""

from typing import Final

_REFUSED: Final = "Citus refuses the statements of these views: see docs/operate/citus/set-up.md"

NOT_ON_CITUS: Final[dict[str, str]] = {
    "imports/test_fast_path.py": "small uploads take the long way on Citus",
    "http/test_respond_async.py::test_repeating_an_accepted_upload": (
        "the first upload has ended before the second only on the fast path"
    ),
    "http/test_endings.py::test_an_import_whose_id_went_to_another": (
        "restarts an identity column, which Citus refuses"
    ),
    "faults/test_failover.py::test_an_archive_whose_backend": (
        "the commit waits for the standby of the worker that has the row, not the coordinator's"
    ),
    "faults/test_failover.py::test_commits_lost_by_an_asynchronous": (
        "the coordinator has no rows to lose, but sequences: its standby must be synchronous"
    ),
    "faults/test_server.py::test_a_server_with_little_lock_memory": (
        "more processes and prepared transactions give the server of Citus more lock memory"
    ),
    "faults/test_server.py::test_an_import_gives_up_with_a_503_when_others_fill": (
        "the lock memory of a server of Citus is many times as large, and takes minutes to fill"
    ),
    "faults/test_server.py::test_a_full_disk": "the small disk is the coordinator's, without rows",
    "faults/test_pruning.py": "triggers record what is deleted, and Citus refuses them",
    "integration/report/": "on Citus, no role can be limited to some clients",
    "imports/test_tables.py::test_updating_the_current_version": (
        "reads statistics of the coordinator, which has no rows"
    ),
    "imports/test_reaper.py::test_readers_and_reapers_terminate": (
        "inserts 300,000 outcomes, which takes longer there than the expiry"
    ),
    "storage/test_roles.py::test_the_role_can_do_nothing_else[citus-CREATE EXTENSION": (
        "Debian's PostgreSQL lacks the extension"
    ),
    "imports/test_fences.py::test_an_atomic_import_stops_looking": (
        "counts tries with a sequence, which the nodes do not have"
    ),
    "faults/test_frozen.py::test_a_frozen_process_blocks": (
        "waits for a lock that is on a node, and not in the coordinator's pg_stat_activity"
    ),
    "storage/test_embedded.py": "about the embedded server",
    "storage/test_partitions.py": "about partitions, which shards replace",
    "storage/test_plans.py": "about partitions; test_citus.py has the same for shards",
    "storage/test_plan_costs.py": "about the plans of one server",
    "real/test_views.py": _REFUSED,
    "views/test_calendars.py": _REFUSED,
    "views/test_codes_and_fields.py": _REFUSED,
    "views/test_external_dependencies.py": _REFUSED,
    "views/test_reads.py": _REFUSED,
    "data/test_comments.py::test_no_table_view_or_column_lacks": "Citus adds views",
    "data/test_document.py": "the document is written with PostgreSQL 18",
    "imports/test_writer.py::test_a_batch_is_written_after_a_migration": (
        "drops all views, of which Citus needs some"
    ),
}
"""By a part of the test's id, the reason."""
