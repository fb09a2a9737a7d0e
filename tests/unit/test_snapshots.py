"""A snapshot is published whole or not at all, and read while others are made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from segue.errors import BusyError, NotReadyError, StorageError, WarehouseError
from segue.flows.sql import tables
from segue.music.listening_marts import LISTENING_MARTS
from segue.music.marts import MARTS
from segue.warehouse.snapshot_parts import MartFiles, Part, write_index
from segue.warehouse.snapshots import SnapshotStore
from segue.warehouse.storage import checksum

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def marts(*users: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for name, schema in MARTS.items():
            rows = [{"user_id": user} for user in users] if name == "users" else []
            pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{name}.parquet")

    return write


def users(store: SnapshotStore) -> list[str]:
    names: list[str] = store.current().read("users", columns=["user_id"])["user_id"].to_pylist()
    return names


def test_nothing_built_yet(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="segue build"):
        SnapshotStore(tmp_path / "snapshots").current()


def test_what_is_published_is_read_back(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "snapshots")
    made = store.publish(marts("ann", "bob"), now=NOW)
    assert store.current() == made
    assert made.name.startswith("20260102T030405Z-")
    assert made.read("users").schema.equals(MARTS["users"])
    assert made.read("users", filters=pc.field("user_id") == "bob").num_rows == 1
    assert made.files("users")[0].is_file()
    with pytest.raises(KeyError):
        made.files("nonsense")


def test_reading_one_through_rests_after_each_file(tmp_path: Path) -> None:
    made = SnapshotStore(tmp_path).publish(marts("ann"), now=NOW)
    rests: list[None] = []
    made.verify(lambda: rests.append(None))
    assert len(rests) >= len(MARTS)


def test_one_that_an_older_segue_published(tmp_path: Path) -> None:
    """It had fewer marts, with an index of them or, before that, without one."""
    old = [mart for mart in MARTS if mart not in LISTENING_MARTS]
    for index in (False, True):

        def write(folder: Path, index: bool = index) -> None:
            marts("ann")(folder)
            for mart in LISTENING_MARTS:
                (folder / f"{mart}.parquet").unlink()
            if index:
                write_index(folder, {m: MartFiles("", (whole(folder, m),)) for m in old})

        made = SnapshotStore(tmp_path).publish(write, now=NOW)
        made.verify()
        assert list(made.marts) == old
        with pytest.raises(WarehouseError, match="no streaks: an older Segue") as caught:
            made.read("streaks")
        assert caught.value.cure == "Run `segue build`."
        assert [table.name for table in tables(made)] == sorted(old)


def whole(folder: Path, mart: str) -> Part:
    path = folder / f"{mart}.parquet"
    return Part(path.name, pq.read_metadata(path).num_rows, "", "", "", checksum(path))


def test_a_failed_write_leaves_the_old_snapshot(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.publish(marts("ann"), now=NOW)

    def broken(folder: Path) -> None:
        marts("bob")(folder)
        raise WarehouseError("no")

    with pytest.raises(WarehouseError, match="no"):
        store.publish(broken, now=NOW)
    assert users(store) == ["ann"]
    assert not list(tmp_path.glob(".unfinished*"))


def test_a_full_disk_is_a_storage_error(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)

    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="full"):
        store.publish(full, now=NOW)


def test_old_snapshots_go_and_the_current_one_stays(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    late = store.publish(marts("late"), now=NOW + timedelta(days=99))  # the clock was wrong
    made = [store.publish(marts(f"u{i}"), now=NOW + timedelta(hours=i)) for i in range(4)]
    assert users(store) == ["u3"]
    left = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert left == {late.name, made[2].name, made[3].name}


def test_the_same_again_within_a_second(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    assert store.publish(marts("ann"), now=NOW) == store.publish(marts("ann"), now=NOW)
    assert users(store) == ["ann"]


def test_damage_is_named(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    made = store.publish(marts("ann"), now=NOW)
    made.files("users")[0].write_bytes(b"PAR1 not really")
    with pytest.raises(WarehouseError, match=r"users\.parquet"):
        made.read("users")
    made.files("users")[0].unlink()
    with pytest.raises(WarehouseError, match=r"users\.parquet"):
        made.read("users")
    for pointer in ("gone\n", "", "../elsewhere", b"\xff\xfe"):
        (tmp_path / "current").write_bytes(
            pointer if isinstance(pointer, bytes) else pointer.encode()
        )
        with pytest.raises(WarehouseError, match="segue build"):
            store.current()


def test_two_at_once(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)

    def nested(folder: Path) -> None:
        store.publish(marts("bob"), now=NOW)

    with pytest.raises(BusyError, match="Wait"):
        store.publish(nested, now=NOW)


def test_killed_while_writing(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.publish(marts("ann"), now=NOW)
    script = textwrap.dedent("""
        import sys, time, datetime, pathlib
        from segue.warehouse.snapshots import SnapshotStore

        def write(folder):
            (folder / "plays.parquet").write_bytes(b"half")
            print("writing", flush=True)
            time.sleep(60)

        now = datetime.datetime.now(datetime.UTC)
        SnapshotStore(pathlib.Path(sys.argv[1])).publish(write, now=now)
    """)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert users(store) == ["ann"]
    assert list(tmp_path.glob(".unfinished*"))
    store.publish(marts("bob"), now=NOW)
    assert users(store) == ["bob"]
    assert not list(tmp_path.glob(".unfinished*"))


def test_a_mart_in_several_files_reads_as_one(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        marts("ann", "bob", "cy", "dan")(folder)
        (folder / "users").mkdir()
        whole, parts = pq.read_table(folder / "users.parquet"), []
        for number, (first, last) in enumerate((("ann", "bob"), ("cy", "dan"))):
            name = f"users/{number:04d}.parquet"
            pq.write_table(whole.slice(2 * number, 2), folder / name)
            parts.append(Part(name, 2, first, last, str(number), checksum(folder / name)))
        (folder / "users.parquet").unlink()
        write_index(folder, {"users": MartFiles("user_id", tuple(parts))})

    made = SnapshotStore(tmp_path).publish(write, now=NOW)
    assert users(SnapshotStore(tmp_path)) == ["ann", "bob", "cy", "dan"]
    assert made.rows("users") == 4
    assert made.read("users").schema.equals(MARTS["users"])
    assert made.read("plays").num_rows == 0
    # the file that cannot have cy is not even opened
    made.files("users")[0].write_bytes(b"not Parquet")
    for filters in (pc.field("user_id") == "cy", [("user_id", "==", "cy")]):
        found = made.read("users", columns=["plays", "user_id"], filters=filters)
        assert found["user_id"].to_pylist() == ["cy"]
    with pytest.raises(WarehouseError, match="users cannot be read"):
        made.read("users")
    (made.folder / "parts.json").write_text('{"version": 9}')
    with pytest.raises(WarehouseError, match=r"parts\.json.*version 9"):
        made.read("users")
