"""Ids that look the same are the same: the service stores and compares them in NFC."""

from urllib.parse import quote

from service.storage import Pool
from service.storage.advisory_locks import project_key
from tests.support.raw_http import get
from tests.support.service import Service
from tests.support.uploads import plans, read_outcomes, send

COMPOSED, DECOMPOSED = "Caf\u00e9", "Cafe\u0301"


async def test_a_project_keeps_its_identity_however_its_id_is_composed(
    service: Service, pool: Pool
) -> None:
    assert read_outcomes(await send(service, plans(DECOMPOSED))) == {COMPOSED: "created"}
    assert read_outcomes(await send(service, plans(COMPOSED))) == {COMPOSED: "unchanged"}
    assert read_outcomes(await send(service, plans(DECOMPOSED))) == {COMPOSED: "unchanged"}
    assert await pool.fetchval("SELECT array_agg(external_id) FROM projects") == [COMPOSED]


async def test_ids_that_are_equal_in_nfc_are_duplicates_in_a_file(service: Service) -> None:
    answer = await send(service, plans(COMPOSED, DECOMPOSED))
    assert answer.json["counts"]["created"] == 1
    assert [item["error"] for item in answer.json["details"]["errors"]] == ["DUPLICATE_PROJECT"]


async def test_a_text_finds_ids_however_it_is_composed(service: Service) -> None:
    import_id = (await send(service, plans(COMPOSED))).json["import_id"]
    for text in (COMPOSED, DECOMPOSED):
        for path in ("projects", f"imports/{import_id}/results"):
            answer = await get(service, f"/api/v2/clients/1/{path}?text={quote(text)}")
            [item] = next(found for found in answer.json["details"].values() if found)
            assert item["external_id"] == COMPOSED


def test_the_lock_of_a_project_is_the_same_however_its_id_is_composed() -> None:
    assert project_key(1, DECOMPOSED) == project_key(1, COMPOSED) != project_key(1, "Cafe")
