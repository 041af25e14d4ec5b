import asyncpg
import pytest

from service.codes import ErrorCode
from service.storage.db_errors import (
    OutOfLockMemory,
    Remedy,
    RowRefused,
    describe_refusal,
    remedy_for,
)


def raised(sqlstate: str, message: str = "from the server") -> asyncpg.PostgresError:
    """The exception that asyncpg makes of a server's error."""
    fields = {"S": "ERROR", "C": sqlstate, "M": message}
    error: asyncpg.PostgresError = asyncpg.PostgresError.new(fields)
    return error


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("22P02", "22021", "23505", "54000", "54001"), Remedy.SPLIT),
        (("08006", "08P01", "40P01", "40001", "57P01", "57P03", "53100"), Remedy.RETRY),
        (("53200", "53300", "55P03", "25006", "25P03", "57014"), Remedy.RETRY),
        (("42P01", "42703", "0A000", "XX000", "53000", "25P02"), Remedy.FAIL),
    ],
)
def test_the_sqlstate_selects_the_remedy(states: tuple[str, ...], expected: Remedy) -> None:
    assert {state: remedy_for(raised(state)) for state in states} == dict.fromkeys(states, expected)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("server closed the connection unexpectedly\n\tThis probably means", Remedy.RETRY),
        ("terminating connection due to administrator command", Remedy.RETRY),
        ("could not find valid entry for shard 102057", Remedy.RETRY),
        ('duplicate key value violates unique constraint "tasks_pkey_102008"', Remedy.SPLIT),
        ('new row for relation "tasks_102008" violates check constraint "c"', Remedy.SPLIT),
        ("unexpected state", Remedy.FAIL),
    ],
)
def test_the_text_selects_the_remedy_if_a_copy_on_citus_fails(
    message: str, expected: Remedy
) -> None:
    assert remedy_for(raised("XX000", message)) is expected


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (asyncpg.InterfaceError("connection is closed"), Remedy.RETRY),
        (ConnectionResetError(), Remedy.RETRY),
        (TimeoutError(), Remedy.RETRY),
        (asyncpg.exceptions._base.DataError("an argument of ours"), Remedy.FAIL),
        (KeyError("ours"), Remedy.FAIL),
        (OutOfLockMemory(), Remedy.SPLIT),
    ],
)
def test_a_connection_error_is_retried_and_a_bug_is_not(fault: Exception, expected: Remedy) -> None:
    assert remedy_for(fault) is expected


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("22P02", ErrorCode.VALIDATION_ERROR),
        ("54000", ErrorCode.PROJECT_TOO_LARGE),
        ("23502", ErrorCode.INTERNAL_ERROR),
        ("53200", ErrorCode.INTERNAL_ERROR),
    ],
)
def test_a_refused_row_gets_the_error_code_of_the_sqlstate(state: str, code: ErrorCode) -> None:
    refused = RowRefused(3)
    refused.__cause__ = raised(state)

    assert remedy_for(refused) is Remedy.SPLIT
    assert describe_refusal(refused)[0] is code
    assert describe_refusal(raised(state))[0] is code
