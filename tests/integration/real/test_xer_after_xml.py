"""The same plans as XER after P6 XML."""

from collections import Counter

import aiohttp
import pytest

from tests.support.paths import REAL
from tests.support.real.pair import DIFFERENT, EQUAL, XML_ALONE, compare_plans, read_plans
from tests.support.real.pair_reasons import REASONS
from tests.support.service import Service
from tests.support.upload import upload

XML = REAL / "p6" / "portfolio.xml"
XER = REAL / "xer" / "portfolio.xer"
pytestmark = pytest.mark.skipif(
    not XER.exists(), reason="the real files are not beside the checkout"
)


async def test_a_plan_is_the_same_project_in_both_formats(service: Service) -> None:
    async with aiohttp.ClientSession() as http:
        for file, outcome in ((XML, "created"), (XER, "updated"), (XER, "unchanged")):
            body = await upload(http, service, file.read_bytes(), file.name)
            assert {name: count for name, count in body["counts"].items() if count} == {
                outcome: 134
            }
            for each in body["details"]["successes"]:
                codes = {notice["code"] for notice in each["warnings"]["first"]}
                assert "DIALECT_CHANGED" not in codes


def test_each_field_that_differs_between_the_formats_has_a_reason() -> None:
    compared = [*compare_plans(read_plans(XML.read_bytes()), read_plans(XER.read_bytes()))]
    differing = {
        f"{each.record}.{each.field}" for each in compared if each.verdict in {DIFFERENT, XML_ALONE}
    }
    assert differing == REASONS.keys()
    print(dict(Counter(each.verdict for each in compared)))
    assert sum(each.verdict == EQUAL for each in compared) > 100_000
