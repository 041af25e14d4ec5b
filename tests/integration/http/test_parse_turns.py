"""A turn to parse ends soon, whatever the file: the imports of other clients wait for it."""

import gzip

from tests.support.metrics import read_metrics
from tests.support.native import native_file, native_project
from tests.support.raw_http import form, part, upload
from tests.support.service import Service

TURNS = "bulk_import_parse_turn_cpu_seconds"


async def test_a_little_compressed_data_is_parsed_in_many_turns(service: Service) -> None:
    tasks = "".join(f'<task id="{number}"><name>Dig</name></task>' for number in range(60_000))
    file = gzip.compress(native_file(native_project("P", inside=f"<tasks>{tasks}</tasks>")))
    before = await read_metrics(service)
    assert (await upload(service, form(part("file", file)))).status == 207
    after = await read_metrics(service)
    seconds, turns = (
        after[f"{TURNS}_{each}",] - before[f"{TURNS}_{each}",] for each in ("sum", "count")
    )
    assert seconds / turns < 0.03
