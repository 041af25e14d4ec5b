"""Which ``Prefer`` headers ask for an answer before the import's end."""

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from service.http.prefer import parse_async_wait


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ([], None),
        ([""], None),
        (["return=minimal, wait=5"], None),
        (["respond-async"], 0),
        (["Respond-ASYNC"], 0),
        (["respond-async, wait=5"], 5),
        (["wait = 5 ,\trespond-async"], 5),
        (["return=minimal", "wait=5", "respond-async"], 5),
        (['respond-async; why="a, b"; x, wait="7"; y=z'], 7),
        (["respond-async, wait=5, wait=9"], 5),
        (["respond-async, WAIT=61"], 60),
        (["respond-async, wait=99999999999999999999"], 0),
        (["respond-async, wait=-1"], 0),
        (["respond-async, wait=1.5"], 0),
        (["respond-async, wait=٣"], 0),
        (["respond-async, wait"], 0),
        (['respond-async=""'], 0),
        (["respond-async=false"], None),
        (["respond-async=no, respond-async"], None),
        (["respond-async now"], None),
        (["x-respond-async"], None),
        (['why="respond-async, wait=5"'], None),
        ([",,;=, =\x01, respond-async"], 0),
        (['"' * 4000 + "," + "respond-async =" * 400], None),
        (['respond-async, why="wait=5, wait=9'], 0),
        (['why="wait=5, respond-async'], None),
        (['"' + r"\"" * 30_000 + ", respond-async"], None),  # took half a minute
    ],
)
def test_the_preference_is_read_as_the_rfc_defines_it(headers: list[str], wait: int | None) -> None:
    sent = CIMultiDict([("Prefer", header) for header in headers])
    assert parse_async_wait(make_mocked_request("POST", "/", sent)) == wait
