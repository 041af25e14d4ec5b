"""The tables on Citus: each client on one node, with statements that go to that node alone."""

import pytest

from service.storage import Pool
from tests.support.databases import CLIENT_TABLES

pytestmark = pytest.mark.citus


async def test_every_table_by_client_is_distributed_with_the_clients(pool: Pool) -> None:
    rows = await pool.fetch(
        "SELECT logicalrelid::text AS name, colocationid FROM pg_dist_partition"
    )
    groups = {row["name"]: row["colocationid"] for row in rows}
    tables = {row["table_name"] for row in await pool.fetch(CLIENT_TABLES)}
    assert {groups[name] for name in tables} == {groups["clients"]}
    assert groups.keys() - tables == {"check_thresholds"}
