"""What is kept beside a snapshot: read back whole or not at all, and gone with the snapshot."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from segue.warehouse.beside import Beside
from segue.warehouse.snapshots import SnapshotStore
from tests.unit.test_snapshots import NOW, marts


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    store = SnapshotStore(tmp_path)
    store.publish(marts("ann"), now=NOW)
    return store


def test_what_is_put_is_read_back_by_its_user_and_nobody_else(store: SnapshotStore) -> None:
    beside, name = Beside(store.folder), store.current().name
    assert beside.get(name, "ann", "map") is None
    beside.put(name, "ann", "map", b"a picture")
    beside.put(name, "../ann", "map", b"another")
    assert Beside(store.folder).get(name, "ann", "map") == b"a picture"
    assert beside.get(name, "../ann", "map") == b"another"
    assert beside.get(name, "bob", "map") is None
    (path,) = (one for one in store.folder.rglob("map") if b"a picture" in one.read_bytes())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    beside.forget("ann")
    assert beside.get(name, "ann", "map") is None
    assert beside.get(name, "../ann", "map") == b"another"
    store.current().verify()


@pytest.mark.parametrize("damaged", [b"", b"abc", b"\0\0\0\0a picture"])
def test_what_is_damaged_is_not_there(store: SnapshotStore, damaged: bytes) -> None:
    beside, name = Beside(store.folder), store.current().name
    beside.put(name, "ann", "map", b"a picture")
    (path,) = store.folder.rglob("map")
    path.write_bytes(damaged)
    assert beside.get(name, "ann", "map") is None


def test_it_goes_with_its_snapshot(store: SnapshotStore) -> None:
    beside, first = Beside(store.folder), store.current().name
    beside.put(first, "ann", "map", b"a picture")
    names = []
    for minutes in range(1, 4):
        store.publish(marts("ann", f"u{minutes}"), now=NOW + timedelta(minutes=minutes))
        names.append(store.current().name)
    assert beside.get(first, "ann", "map") is None
    beside.put(first, "ann", "map", b"too late")
    assert beside.get(first, "ann", "map") is None
    beside.put(names[-1], "ann", "map", b"now")
    store.clear()
    assert not [path for path in store.folder.rglob("*") if path.name != "lock"]


def test_there_is_room_for_so_much(store: SnapshotStore) -> None:
    name = store.current().name
    beside = Beside(store.folder, most_bytes=250)
    for user in ("ann", "bob", "cem"):
        beside.put(name, user, "map", 100 * b"x")
    found = [beside.get(name, user, "map") is not None for user in ("ann", "bob", "cem")]
    assert found == [False, True, True]


def test_a_folder_that_cannot_be_written_keeps_nothing(store: SnapshotStore) -> None:
    (store.folder / "beside").write_text("in the way")
    beside = Beside(store.folder)
    beside.put(store.current().name, "ann", "map", b"a picture")
    assert beside.get(store.current().name, "ann", "map") is None
