"""What removing a client removes."""

from service.cli.clients import TABLES
from service.db import Pool

KEYED_BY_CLIENT = """
SELECT table_name
  FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
 WHERE column_name = 'client_id' AND table_schema = 'public' AND table_type = 'BASE TABLE'
"""


async def test_removing_a_client_forgets_no_table(pool: Pool) -> None:
    found = await pool.fetch(KEYED_BY_CLIENT)
    assert sorted(TABLES) == sorted(row["table_name"] for row in found)
