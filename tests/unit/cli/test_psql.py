"""The address that ``bulk-import psql`` passes on."""

import pytest

from service.cli.commands.psql import split_password


@pytest.mark.parametrize(
    ("url", "address", "password"),
    [
        ("postgresql://ann:s%40cret@db:5432/x?sslmode=require", "ann@db:5432/x", "s@cret"),
        ("postgresql://ann:s:c@a,b/x?sslmode=require", "ann@a,b/x", "s:c"),
        ("postgresql://ann@db/x?sslmode=require", "ann@db/x", None),
        ("postgresql:///x?sslmode=require", "/x", None),
        ("postgresql://ann:secret@/x?sslmode=require", "ann@/x", "secret"),
    ],
)
def test_a_password_is_not_on_the_command_line(
    url: str, address: str, password: str | None
) -> None:
    expected = {} if password is None else {"PGPASSWORD": password}
    assert split_password(url) == (f"postgresql://{address}?sslmode=require", expected)
