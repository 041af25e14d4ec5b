"""The store of objects that are outside the projects of a file."""

import hashlib
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from typing import cast

import pytest
from lxml import etree

from service.formats.element import Element
from service.formats.engine.parsed_record import Faults
from service.formats.shared_objects import BYTES_EACH, FREE, SharedStore
from service.model import SharedObject
from service.spool.spool import Spool, TooLarge


def made(name: str, content: str = "") -> SharedObject:
    text = f'{{"Name":"{name}{content}"}}'.encode()
    return SharedObject(hashlib.sha256(text).digest(), "Thing", name, text)


@pytest.fixture
def store() -> Iterator[SharedStore]:
    store = SharedStore(1 << 20, Spool().share())
    yield store
    store.close()


def some_faults(value: str) -> Faults:
    """Make a fault that only warns, and a fatal one."""
    faults = Faults()
    element = cast(Element, etree.Element("Thing"))
    for fatal in (False, True):
        faults.add(element, "Thing", "x", "is too long", fatal=fatal)
    faults.detach(value)
    return faults


def put(store: SharedStore, name: str, *refers: str, content: str = "", owner: str = "") -> None:
    store.add(
        name.encode(),
        made(name, content),
        [other.encode() for other in refers],
        owners=[owner.encode()] if owner else [],
    )


def test_the_same_names_lead_to_an_object_that_comes_later(store: SharedStore) -> None:
    put(store, "a", "b")
    assert take(store, "a") == ["a"]
    assert take(store, "a") == []
    put(store, "b")
    taken: set[bytes] = set()
    assert take(store, "a", taken=taken) == ["b"]
    assert taken == {made("a").hash, made("b").hash}
    again: set[bytes] = set()
    assert take(store, "a", taken=again) == []
    assert again == taken


def take(store: SharedStore, *names: str, taken: set[bytes] | None = None) -> list[str | None]:
    fresh, _ = store.take([name.encode() for name in names], set() if taken is None else taken)
    return [shared.object_id for shared in store.objects(fresh)]


def test_take_returns_the_object_that_was_added(store: SharedStore) -> None:
    put(store, "a")
    fresh, fatal = store.take([b"a"], set())
    assert (list(store.objects(fresh)), fatal) == ([made("a")], None)


def test_references_are_followed_transitively_in_the_order_of_the_file(
    store: SharedStore,
) -> None:
    put(store, "c", "a")
    put(store, "other")
    put(store, "b", "c", "nothing")
    put(store, "a", "b")
    taken: set[bytes] = set()
    assert take(store, "a", taken=taken) == ["c", "b", "a"]
    assert taken == {made(name).hash for name in "abc"}


def test_an_object_is_new_once_and_taken_by_every_project(store: SharedStore) -> None:
    put(store, "a", "b")
    put(store, "b")
    first: set[bytes] = set()
    second: set[bytes] = set()
    assert take(store, "a", taken=first) == ["a", "b"]
    assert take(store, "b", "a", taken=second) == []
    assert first == second == {made("a").hash, made("b").hash}


def test_owned_objects_come_with_their_owner(store: SharedStore) -> None:
    put(store, "rate 1", "crew", owner="crew")
    put(store, "crew", "calendar")
    put(store, "rate 2", "crew", "currency", owner="crew")
    put(store, "currency")
    put(store, "calendar")
    assert take(store, "crew") == ["rate 1", "crew", "rate 2", "currency", "calendar"]


def test_a_name_without_an_object_is_ignored(store: SharedStore) -> None:
    put(store, "a")
    assert take(store, "b") == []


def test_unused_objects_are_counted(store: SharedStore) -> None:
    for name in "abc":
        put(store, name)
    take(store, "b")
    assert store.unused == 2


def test_a_repeated_object_is_kept_once(store: SharedStore) -> None:
    put(store, "a")
    put(store, "a")
    assert take(store, "a") == ["a"]
    assert (store.unused, store.ambiguous) == (0, 0)


def test_two_contents_with_one_name_are_both_taken_and_counted(store: SharedStore) -> None:
    put(store, "a", "b")
    put(store, "a", content=" changed")
    put(store, "b")
    fresh, _ = store.take([b"a"], set())
    assert list(store.objects(fresh)) == [made("a"), made("a", " changed"), made("b")]
    assert store.ambiguous == 1


def test_an_object_without_a_name_is_never_taken(store: SharedStore) -> None:
    store.add(None, made("a"), [])
    store.add(None, made("b"), [])
    assert (store.unused, store.ambiguous) == (2, 0)


def test_a_fatal_fault_is_returned_to_every_taker(store: SharedStore) -> None:
    faults = some_faults("b")
    put(store, "a", "b", "c")
    put(store, "c")
    store.add(b"b", made("b"), [], faults=faults)
    assert store.take([b"a"], set()) == ([], faults.fatal)
    assert store.take([b"a"], set()) == ([], faults.fatal)
    assert take(store, "c") == ["c"]


def test_columns_are_read_without_taking_the_object(store: SharedStore) -> None:
    store.add(b"a", made("a"), [], columns=b"1\tCrew")
    node = store.find(b"a")
    assert node is not None
    assert node.columns == b"1\tCrew"
    assert store.find(b"b") is None
    assert store.unused == 1


def test_contents_over_the_bound_leave_memory() -> None:
    objects = 15_000
    store = SharedStore(1 << 20, Spool().share())
    tracemalloc.start()
    for number in range(objects):
        name = b"Thing %d" % number
        digest = hashlib.sha256(name).digest()
        shared = SharedObject(digest, "Thing", str(number), b'"%s"' % (b"x" * 1000))
        store.add(name, shared, [b"Thing %d" % (number // 2)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    taken: set[bytes] = set()
    fresh, _ = store.take([b"Thing 14999"], taken)
    store.close()
    assert len(fresh) == len(taken) == 15
    assert peak < (3 << 20)


def test_large_objects_are_not_kept_in_memory() -> None:
    store = SharedStore(1 << 20, Spool().share())
    for number in range(200):
        shared = SharedObject(hashlib.sha256(b"%d" % number).digest(), "Thing", str(number), b"{}")
        store.add(b"Thing %d" % number, shared, [], columns=b"x" * 100_000)
    tracemalloc.start()
    store.take([b"Thing %d" % number for number in range(200)], set())
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    store.close()
    assert kept < 1 << 20


def test_a_full_disk_is_an_os_error() -> None:
    program = """
import resource, signal
from service.model import SharedObject
from service.spool.spool import Spool
from service.formats.shared_objects import BYTES_EACH, FREE, SharedStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
store = SharedStore(1000, Spool().share())
try:
    for number in range(1000):
        store.add(b"%d" % number, SharedObject(b"", "Thing", "", b"x" * 1000), [])
        store.take([b"0"], set())
except OSError:
    print("failed")
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "failed\n", run.stderr


def chain(store: SharedStore, length: int) -> None:
    for number in range(length):
        store.add(
            b"%d" % number,
            SharedObject(b"%d" % number, "Thing", "", b""),
            [b"%d" % (number + 1)],
        )


def test_the_objects_that_a_project_takes_are_bounded(
    store: SharedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.formats.shared_objects.MAX_TAKEN", 100)
    chain(store, 101)
    taken: set[bytes] = set()
    store.take([b"1"], taken)
    assert len(taken) == 100
    with pytest.raises(TooLarge, match="more shared objects"):
        store.take([b"0"], set())


def test_the_objects_that_all_projects_take_are_bounded_by_the_bytes_of_the_file(
    store: SharedStore,
) -> None:
    chain(store, 600)
    store.take([b"0"], set())
    with pytest.raises(TooLarge, match="more shared objects"):
        store.take([b"0"], set())
    store.take([b"0"], set(), 600 * BYTES_EACH)
    store.take([b"599"], set(), BYTES_EACH)  # a small project takes what it pays for


def test_a_project_visits_copies_of_an_object_once(store: SharedStore) -> None:
    for content in ("", "x", *"xy" * 10_000):
        put(store, "a", content=content)
    for _ in range(10_000):
        store.add(None, made("rate"), [b"b"], owners=[b"b"])
    for name, objects in ((b"a", 3), (b"b", 1)):
        taken: set[bytes] = set()
        store.take([name], taken)
        assert len(taken) == objects
    assert (store.ambiguous, store.unused) == (2, 0)


def test_visits_of_a_faulty_object_count(store: SharedStore) -> None:
    faults = some_faults("b")
    store.add(b"a", made("a"), [], faults=faults)
    for _ in range(FREE + len(made("a").attributes) // BYTES_EACH):
        assert store.take([b"a"], set()) == ([], faults.fatal)
    with pytest.raises(TooLarge):
        store.take([b"a"], set())
