"""The import drops nothing: an independent walk finds every leaf of a file in the database."""

import aiohttp
from lxml.etree import QName

from service.storage import Pool
from tests.support import mspdi_leaves, p6_leaves
from tests.support.leaves import Leaves, json_leaves, tree, xml_leaves
from tests.support.real.files import FILES
from tests.support.real.stored import stored
from tests.support.service import Service
from tests.support.upload import upload

SEARCH = {"mspdi": mspdi_leaves.search, "p6": p6_leaves.search}
NOT_SHARED = {"Project", "ProjectList"}


async def test_every_leaf_of_every_project_is_in_the_database(service: Service, pool: Pool) -> None:
    checked = 0
    async with aiohttp.ClientSession() as http:
        for file in FILES:
            told = await upload(http, service, file.content, file.name)
            root = tree(file.path)
            elements = (
                [root]
                if file.dialect == "mspdi"
                else [child for child in root if QName(child).localname == "Project"]
            )
            for success, element in zip(told["details"]["successes"], elements, strict=True):
                project, children = await stored(pool, success["project_id"])
                count, lost = SEARCH[file.dialect](element, project, children)
                assert lost == [], file.name
                checked += count
    print(checked, "leaves")


async def test_every_leaf_of_imported_shared_objects_is_in_the_database(
    service: Service, pool: Pool
) -> None:
    checked = 0
    async with aiohttp.ClientSession() as http:
        for file in (one for one in FILES if one.dialect == "p6"):
            told = await upload(http, service, file.content, file.name)
            said: dict[tuple[str, str | None], Leaves] = {
                (QName(child).localname, child.findtext("{*}ObjectId")): xml_leaves(child)
                for child in tree(file.path)
                if QName(child).localname not in NOT_SHARED
            }
            projects = [success["project_id"] for success in told["details"]["successes"]]
            taken = await pool.fetch(
                "SELECT DISTINCT s.* FROM current_projects p"
                " CROSS JOIN unnest(p.shared_objects) AS t (hash)"
                " JOIN shared_objects s USING (client_id, hash)"
                " WHERE p.client_id = 1 AND p.project_id = ANY ($1::bigint[])",
                projects,
            )
            named = await pool.fetchval(
                "SELECT count(DISTINCT hash) FROM current_projects p"
                " CROSS JOIN unnest(p.shared_objects) AS t (hash)"
                " WHERE p.client_id = 1 AND p.project_id = ANY ($1::bigint[])",
                projects,
            )
            assert len(taken) == named
            for one in taken:
                leaves = said[one["element"], one["object_id"]]
                assert json_leaves(one["attributes"]) == leaves
                checked += sum(map(len, leaves.values()))
    assert checked
    print(checked, "leaves")
