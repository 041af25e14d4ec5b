"""Clients that failed come last, until they succeed."""

from service.imports.failing_last import FailingLast


def take(order: FailingLast, clients: list[int], failing: int | None = None) -> list[int]:
    """Take clients until one of them fails."""
    taken = []
    for client_id in order.order(clients):
        taken.append(client_id)
        if client_id == failing:
            break
    return taken


def test_a_client_that_failed_comes_last_until_it_succeeds() -> None:
    order = FailingLast()
    assert take(order, [1, 2, 3], failing=1) == [1]
    assert take(order, [1, 2, 3], failing=2) == [2]
    assert take(order, [1, 2, 3, 4]) == [3, 4, 1, 2]
    assert take(order, [1, 2, 3]) == [1, 2, 3]


def test_a_client_that_is_gone_is_forgotten() -> None:
    order = FailingLast()
    take(order, [1, 2], failing=1)
    assert take(order, [2]) == [2]
    assert take(order, [1, 2]) == [1, 2]
