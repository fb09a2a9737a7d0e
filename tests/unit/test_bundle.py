"""Bundles: published by one rename, named by content, and never half read."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from segue.errors import BusyError, NotReadyError, StorageError
from segue.features.catalogue import Catalogue
from segue.features.from_marts import training_data
from segue.music.query import Query
from segue.recommenders.bundle import Bundle, BundleStore
from segue.recommenders.most_played import MostPlayed
from tests.tiny import NOW, days_ago, history, tracks


def _catalogue(n: int = 3) -> Catalogue:
    return Catalogue(tracks([{"track_id": f"t{i}", "genres": ["rock"]} for i in range(n)]))


def _publish(store: BundleStore, n: int = 3, snapshot: str = "s1") -> Bundle:
    catalogue = _catalogue(n)
    model = MostPlayed().fit(training_data(catalogue.tracks, as_of=NOW))
    return store.publish([model], catalogue, snapshot=snapshot, trained_at=NOW)


def test_current_gives_back_what_was_published(tmp_path: Path) -> None:
    store = BundleStore(tmp_path / "models")
    published = _publish(store)
    bundle = store.current()
    assert (bundle.name, bundle.snapshot, bundle.trained_at) == (published.name, "s1", NOW)
    assert list(bundle.recommenders) == ["most_played"]
    assert bundle.catalogue.tracks.equals(_catalogue().tracks)
    query = Query("me", NOW, mix="daily", history=history([("t1", days_ago(3))]))
    assert bundle.recommenders["most_played"].recommend(query, 5).track_ids == ("t1",)


def test_columns_are_kept_with_the_tracks_and_are_the_same(tmp_path: Path) -> None:
    many = [
        {"track_id": f"t{i}", "genres": ["a", "b"][: i % 3], "tempo": 90.0 + i, "popularity": None}
        for i in range(5)
    ]
    fresh = Catalogue(tracks([*many, {"track_id": "t9", "title": None, "year": 1999}]))
    model = MostPlayed()
    data = training_data(fresh.tracks, as_of=NOW)
    kept = (
        BundleStore(tmp_path)
        .publish([model.fit(data)], fresh, snapshot="s", trained_at=NOW)
        .catalogue
    )
    assert kept.kept.arrays.keys() == fresh.to_keep().arrays.keys()
    for name, array in fresh.to_keep().arrays.items():
        np.testing.assert_array_equal(kept.to_keep().arrays[name], array)
    for name, names in fresh.to_keep().names.items():
        assert list(kept.to_keep().names[name]) == list(names)
    assert kept.ids([5, 0]) == ("t9", "t0")
    assert kept.rows(["t9", "x", "t1"]).tolist() == [5, -1, 1]


def test_nothing_trained_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="segue train"):
        BundleStore(tmp_path).current()


def test_same_content_has_the_same_name(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    names = [_publish(store).name, _publish(store).name, _publish(store, n=4).name]
    assert names[0] == names[1] != names[2]


def test_the_last_two_bundles_are_kept(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    names = [_publish(store, n=n).name for n in (2, 3, 4, 5)]
    left = {p.name for p in tmp_path.iterdir() if p.is_dir()}
    assert left == set(names[-2:])
    assert store.current().name == names[-1]


@pytest.mark.parametrize("victim", ["tracks.arrow", "bundle.json", "most_played/settings.json"])
@pytest.mark.parametrize("harm", ["missing", "cut", "empty", "changed"])
def test_a_damaged_file_is_named(tmp_path: Path, victim: str, harm: str) -> None:
    store = BundleStore(tmp_path)
    path = tmp_path / _publish(store).name / victim
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        harmed = {"cut": content[:-1], "empty": b"", "changed": b"#" + content[1:]}
        path.write_bytes(harmed[harm])
    with pytest.raises(NotReadyError, match=Path(victim).name):
        store.current()


def test_a_damaged_bundle_is_replaced_by_publishing_it_again(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    name = _publish(store).name
    (tmp_path / name / "tracks.arrow").write_bytes(b"")
    assert _publish(store).name == name
    assert len(store.current().catalogue) == 3


@pytest.mark.parametrize("pointer", ["", "../elsewhere", "no-such-bundle", "\0"])
def test_a_pointer_to_nowhere_is_an_error(tmp_path: Path, pointer: str) -> None:
    store = BundleStore(tmp_path)
    _publish(store)
    (tmp_path / "current").write_text(pointer)
    with pytest.raises(NotReadyError, match="damaged"):
        store.current()


def test_what_a_killed_publisher_left_is_removed(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    old = _publish(store)
    left = tmp_path / ".publishing-half"
    left.mkdir()
    (left / "tracks.arrow").write_bytes(b"half")
    assert store.current().name == old.name
    _publish(store, n=4)
    assert not left.exists()


def test_two_publishers_at_once_are_refused(tmp_path: Path) -> None:
    hold = (
        "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX);"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(BusyError):
            _publish(BundleStore(tmp_path))
        holder.communicate()
    assert _publish(BundleStore(tmp_path)).name


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_a_storage_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError):
            _publish(BundleStore(tmp_path / "models"))
    finally:
        tmp_path.chmod(0o700)


def test_a_file_in_the_way_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("not a folder")
    with pytest.raises(StorageError):
        _publish(BundleStore(tmp_path / "models"))


_PUBLISHER = """
import itertools, sys
from pathlib import Path
from tests.unit.test_bundle import _publish
from segue.recommenders.bundle import BundleStore
store = BundleStore(Path(sys.argv[1]))
for n in itertools.count(2):
    _publish(store, n=n)
    print(n, flush=True)
"""


def test_a_killed_publisher_leaves_a_whole_bundle(tmp_path: Path) -> None:
    for delay in (0.0, 0.003, 0.007, 0.012):
        with subprocess.Popen(
            [sys.executable, "-c", _PUBLISHER, str(tmp_path)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        ) as publisher:
            assert publisher.stdout is not None
            for _ in range(3):
                assert publisher.stdout.readline()
            time.sleep(delay)
            publisher.kill()
        bundle = BundleStore(tmp_path).current()
        assert list(bundle.recommenders) == ["most_played"]
        assert len(bundle.catalogue) >= 4
    (tmp_path / "0123456789abcdef").mkdir()  # half removed
    os.utime(tmp_path / "0123456789abcdef", (0, 0))
    _publish(BundleStore(tmp_path))
    assert not list(tmp_path.glob(".publishing-*"))
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) <= 2
