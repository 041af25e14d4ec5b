"""A folder of files of Microsoft Project, with one project each: as parts, and as a ZIP."""

import io
import zipfile

from tests.support.raw_http import form, part
from tests.support.real.files import FILES
from tests.support.service import Service
from tests.support.uploads import send

PLANS = [(file.name, file.content) for file in FILES if file.dialect == "mspdi"]
BROKEN = [
    ("Bridge.mpp", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50_000)),
    ("cut.xml", PLANS[0][1][: len(PLANS[0][1]) // 2]),
]


def in_parts(files: list[tuple[str, bytes]]) -> bytes:
    return form(*(part("file", content, filename=name) for name, content in files))


def in_zip(files: list[tuple[str, bytes]]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for number, (name, content) in enumerate(files):
            zipped.writestr(f"folder {number % 3}/{name}", content)
    return form(part("file", archive.getvalue(), filename="plans.zip"))


async def test_a_folder_is_one_import_with_the_projects_of_its_files(service: Service) -> None:
    middle = len(PLANS) // 2
    broken = [*PLANS[:middle], *BROKEN, *PLANS[middle:]]
    for outcome, body, failed in (
        ("created", in_parts(PLANS), []),
        ("unchanged", in_zip(PLANS), []),
        ("unchanged", in_parts(broken), ["Bridge.mpp", "cut.xml"]),
        ("unchanged", in_zip(broken), ["Bridge.mpp", "cut.xml"]),
    ):
        answer = (await send(service, body)).json
        assert {name: n for name, n in answer["counts"].items() if n} == {outcome: len(PLANS)}
        assert answer["files"] == {"read": len(PLANS), "failed": len(failed)}
        errors = answer["details"]["errors"]
        assert [each["file"].rpartition("/")[2] for each in errors] == failed
