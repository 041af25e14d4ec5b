"""Claims of imports: each request finds its own."""

from service.imports.idempotency import KeyTimeouts, claim_import
from service.imports.record import ImportRequest
from service.storage import Pool
from tests.support.databases import ADD_CLIENT

TIMES = KeyTimeouts(keep=3600, lock=5)


async def test_a_claim_whose_answer_was_lost_finds_its_own_import_among_others(pool: Pool) -> None:
    await pool.execute(ADD_CLIENT)
    requests = [ImportRequest(1, "tester", f"request-{n}") for n in range(3)]
    async with pool.acquire() as conn:
        claims = [await claim_import(conn, request, TIMES, False) for request in requests]
        again = [await claim_import(conn, request, TIMES, True) for request in requests]
        new = await claim_import(conn, ImportRequest(1, "tester", "request-3"), TIMES, True)
    assert again == claims
    assert new not in claims
