"""Every response matches the document, and every documented response occurs.

The examples are responses of the scenes. To record them again after an intended change:
``RECORD_EXAMPLES=1 pytest tests/integration/openapi/test_examples.py``.
"""

import os
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from service.http.openapi.operations import COMMON, read_examples
from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.openapi.document import check, operations
from tests.support.openapi.requests import Place
from tests.support.openapi.scenes import Shot, play_scenes
from tests.support.paths import CHECKOUT

EXAMPLES: Final = CHECKOUT / "service" / "http" / "openapi" / "examples"
Recorded = dict[str, dict[str, list[dict[str, Any]]]]


async def test_real_responses_match_the_document_and_its_examples(
    settings: Settings, dsn: str, pool: Pool, subtests: pytest.Subtests
) -> None:
    await pool.execute(ADD_CLIENT)
    shots = await play_scenes(Place(settings, dsn, pool))
    for shot in shots:
        with subtests.test(operation=shot.asked.name, status=shot.answer.status):
            check(shot.asked, shot.answer)
    seen = {(shot.asked.name, shot.answer.status) for shot in shots}
    documented = {(each.name, status) for each in operations() for status in each.statuses}
    assert documented - seen == set(), "documented responses that no scene gets"
    recorded = _recorded(shots)
    if os.environ.get("RECORD_EXAMPLES"):
        _write(recorded)
    there = {path.stem: read_examples(path.stem) for path in EXAMPLES.glob("*.json")}
    assert _shape(there) == _shape(recorded)


def _recorded(shots: list[Shot]) -> Recorded:
    found: Recorded = defaultdict(lambda: defaultdict(list))
    for shot in shots:
        if shot.summary:
            media = shot.answer.headers["content-type"].partition(";")[0]
            value = shot.answer.json if "json" in media else shot.answer.body.decode()
            name = re.sub(r"\W+", "-", shot.summary.lower()).strip("-")
            example = {"name": name, "summary": shot.summary, "media": media, "value": value}
            place = found[COMMON if shot.common else shot.asked.name]
            place[str(shot.answer.status)].append(example)
    return found


def _write(recorded: Recorded) -> None:
    EXAMPLES.mkdir(exist_ok=True)
    for name, examples in recorded.items():
        text = orjson.dumps(examples, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
        Path(EXAMPLES / f"{name}.json").write_bytes(text + b"\n")


def _shape(value: Any) -> Any:
    """Return the names and types of a value, without the values."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value]
    return type(value).__name__
