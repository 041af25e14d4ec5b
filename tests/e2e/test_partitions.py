"""``bulk-import migrate --partitions``: new tables are partitioned, others are refused."""

from tests.support.command_line import CommandLine
from tests.support.paths import CHECKOUT

PARTITIONS = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'tasks'::regclass"


def test_a_new_database_is_partitioned_once_and_imported_into(cli: CommandLine) -> None:
    first = cli.ok("migrate", "--partitions", 4)
    assert "Partitioned assignments, baseline_tasks, " in first
    assert cli.ok("migrate", "--partitions", 4) == "The schema is up to date.\n"
    assert cli.ok("psql", "-Atc", PARTITIONS) == "4\n"
    native = CHECKOUT / "samples" / "native.xml"
    assert "3 created" in cli.ok("upload", native, "--client", 1)
    assert "3 unchanged" in cli.ok("upload", native, "--client", 1)
    refused = "cannot partition: assignments has 4 partitions, which cannot be changed"
    assert cli.refuses("migrate", "--partitions", 8) == refused


def test_partitioning_tables_with_rows_is_refused(cli: CommandLine) -> None:
    cli.ok("upload", CHECKOUT / "samples" / "native.xml", "--client", 1)
    refused = "cannot partition: assignments has rows: only empty tables can be partitioned"
    assert cli.refuses("migrate", "--partitions", 4) == refused
