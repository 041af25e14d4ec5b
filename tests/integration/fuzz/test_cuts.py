"""The imported projects do not depend on how the bytes of an upload are cut."""

import gzip
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.answer import Answer
from tests.support.fuzzing import REAL, SEEDS, WRAPPED, examples, mutated
from tests.support.raw_http import Connection, chunked, form, head, part
from tests.support.service import Service

_REHEARSED = "/api/v2/clients/1/projects/bulk?dry_run=true"


@examples(60)
@given(
    seed=SEEDS,
    faults=st.integers(0, 3),
    file=st.sampled_from([*REAL]),
    wrapped=st.sampled_from([*WRAPPED]),
    whole_as_gzip=st.booleans(),
    framed=st.booleans(),
    cuts=st.lists(st.integers(0, 20_000), max_size=12),
)
async def test_a_body_is_read_the_same_however_it_is_cut(
    service: Service,
    seed: int,
    faults: int,
    file: str,
    wrapped: str,
    whole_as_gzip: bool,
    framed: bool,
    cuts: list[int],
) -> None:
    content = WRAPPED[wrapped](REAL[file])
    if faults:
        content = mutated(seed, content, faults)
    body = form(part("notes", b"Import"), part("file", content), part("other", b"x" * 3000))
    encoding = []
    if whole_as_gzip:
        body, encoding = gzip.compress(body), ["Content-Encoding: gzip"]
    length = f"Content-Length: {len(body)}"
    whole = await _sent(service, [head(service, length, *encoding, path=_REHEARSED) + body])
    ends = sorted({*(place % (len(body) + 1) for place in cuts), len(body)})
    pieces = [body[a:b] for a, b in zip([0, *ends], ends, strict=False) if a < b]
    if framed:
        opened = head(service, "Transfer-Encoding: chunked", *encoding, path=_REHEARSED)
        answer = await _sent(
            service, [opened, *(chunked([piece])[:-5] for piece in pieces), b"0\r\n\r\n"]
        )
    else:
        answer = await _sent(service, [head(service, length, *encoding, path=_REHEARSED), *pieces])
    assert _comparable(answer) == _comparable(whole)


async def _sent(service: Service, pieces: list[bytes]) -> Answer:
    async with Connection(service) as connection:
        await connection.send(*pieces)
        return await connection.answer()


def _comparable(answer: Answer) -> Any:
    """Return the response without the parser's messages about broken XML."""
    if answer.status != 207:
        return answer.status
    response = answer.json
    del response["import_id"]
    for error in response["details"]["errors"]:
        if error["error"] == "MALFORMED_XML":
            for member in ("message", "line", "column"):
                error.pop(member, None)
    return response
