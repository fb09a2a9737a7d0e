"""What was recommended is noted once, off the caller's path, and can be forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from segue.events.recommended import Recommendation, Recommended
from tests.tiny import NOW

ONE = Recommendation("r1", "ann", NOW, NOW + timedelta(seconds=1), "daily", "b/s", ("t1", "t2"))


def test_it_is_found_again_by_its_id(tmp_path: Path) -> None:
    store = Recommended(tmp_path / "events" / "recommended.sqlite")
    assert store.find("r1") is None
    store.note(ONE)
    store.note(replace(ONE, mix="discover"))  # the same id is the same answer
    store.note(replace(ONE, recommendation_id="r2", track_ids=()))
    store.close()
    again = Recommended(store.path)
    assert again.find("r1") == ONE
    assert again.find("r2") == replace(ONE, recommendation_id="r2", track_ids=())
    assert again.find("r3") is None
    assert store.lost == 0
    assert store.path.stat().st_mode & 0o077 == 0


def test_several_processes_may_note_the_same(tmp_path: Path) -> None:
    stores = [Recommended(tmp_path / "recommended.sqlite") for _ in range(3)]
    for n in range(50):
        for store in stores:
            store.note(replace(ONE, recommendation_id=f"r{n}"))
    for store in stores:
        store.close()
    assert all(stores[0].find(f"r{n}") for n in range(50))


def test_a_user_is_forgotten_to_the_byte(tmp_path: Path) -> None:
    store = Recommended(tmp_path / "recommended.sqlite")
    store.note(replace(ONE, user_id="somebody-secret"))
    store.note(replace(ONE, recommendation_id="r2"))
    assert store.forget("somebody-secret") == 1
    assert store.find("r1") is None
    assert store.find("r2") is not None
    store.close()
    assert all(b"somebody-secret" not in path.read_bytes() for path in tmp_path.iterdir())


def test_what_is_old_goes(tmp_path: Path) -> None:
    store = Recommended(tmp_path / "recommended.sqlite")
    store.note(ONE)
    store.flush()
    store.note(replace(ONE, recommendation_id="r2", told_at=NOW + timedelta(days=90)))
    store.close()
    assert store.find("r1") is None
    assert store.find("r2") is not None


def test_where_nothing_can_be_written_it_is_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = Recommended(tmp_path / "file" / "recommended.sqlite")
    store.note(ONE)
    store.flush()
    assert store.lost == 1
    store.close()
