"""Names of files are relative paths without anything that is not a name."""

import pytest

from service.formats.file_names import MAX_NAME, clean_name

LONG = "x" * (MAX_NAME - 1)


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        (None, None),
        ("", None),
        ("../..", None),
        (r"C:\plans\.\north.xml", "plans/north.xml"),
        ("/etc//../a.xml", "etc/a.xml"),
        ("a\n\x7f\x9b.xml", "a.xml"),
        (f"folder/{LONG}", LONG),
        (f"a../y/{LONG[4:]}", f"y/{LONG[4:]}"),
    ],
)
def test_a_name_becomes_a_relative_path(name: str | None, cleaned: str | None) -> None:
    assert clean_name(name) == cleaned
