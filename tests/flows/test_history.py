"""Looking back: the parts of a history, its plays page by page, and a new snapshot under it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from segue.analytics.drift import drift
from segue.analytics.heard import sum_up
from segue.analytics.tops import top
from segue.analytics.totals import totals
from segue.analytics.windows import Wish, window_of, zone_of
from segue.errors import NotReadyError, UnknownUserError
from segue.flows.history import Asked, Histories, HistoryPage, Place
from segue.flows.own_marts import take_in
from segue.flows.stats import bounds
from segue.warehouse.beside import Beside
from segue.warehouse.snapshot_database import open_snapshot
from segue.warehouse.snapshots import SnapshotStore
from tests.listening_home import history, play

NOW = datetime(2024, 5, 4, 12, tzinfo=UTC)
ALL = Asked("ann", Wish(), "UTC")


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    history(
        tmp_path,
        play("2024-05-01 10:00", "t1"),
        play("2024-05-01 10:04", "t3", skipped=True, counted=False, ms=9_000),
        play("2024-05-01 10:04", "t2"),
        play("2024-05-03 23:30", "t1", finished=True),
        play("2024-05-02 08:00", "t3", user="bob"),
    )
    return SnapshotStore(tmp_path)


def _all(histories: Histories, **asked: object) -> list[HistoryPage]:
    pages: list[HistoryPage] = []
    after: Place | None = None
    while not pages or after is not None:
        pages.append(histories.plays("ann", after=after, limit=2, **asked))  # type: ignore[arg-type]  # passed on
        after = pages[-1].following
    return pages


def test_the_parts_tell_what_can_be_counted_by_eye(store: SnapshotStore) -> None:
    histories = Histories(store, threads=1)
    assert not histories.at_hand(ALL, now=NOW)
    found = histories.overview(ALL, now=NOW)
    assert histories.at_hand(ALL, now=NOW)
    assert found.days == {date(2024, 5, 1): 2, date(2024, 5, 2): 0, date(2024, 5, 3): 1}
    assert [(p.starts, p.skips) for p in found.timeline.periods] == [(3, 1), (0, 0), (1, 0)]
    assert (found.totals.plays, found.new.discoveries) == (3, 2)
    assert found.timeline.periods[0].skip_rate == pytest.approx(1 / 3)
    assert found.timeline.periods[1].skip_rate is None
    tops = histories.tops(ALL)
    assert [place.name for place in tops.heard["tracks"]] == ["Blue", "Red"]
    assert [place.name for place in tops.skipped] == ["Loud"]
    assert histories.overview(ALL, now=NOW) is found
    drift = histories.drift(Asked("ann", Wish(last="1d"), "UTC"))
    assert drift is None or drift.periods
    histories.close()


def test_plays_come_page_by_page_each_once_and_the_latest_first(store: SnapshotStore) -> None:
    histories = Histories(store, threads=1)
    pages = _all(histories)
    assert [len(page.plays) for page in pages] == [2, 2]
    plays = [one for page in pages for one in page.plays]
    assert [one.played_at.isoformat(" ")[:16] for one in plays] == [
        "2024-05-03 23:30",
        "2024-05-01 10:04",
        "2024-05-01 10:04",
        "2024-05-01 10:00",
    ]
    assert {one.track_id for one in plays[1:3]} == {"t2", "t3"}
    assert [one.skipped for one in plays if one.track_id == "t3"] == [True]
    earlier = histories.plays("ann", until=datetime(2024, 5, 1, 10, 4, tzinfo=UTC))
    assert [one.track_id for one in earlier.plays] == ["t1"]
    assert earlier.following is None
    there = histories.plays("ann", time_zone="Europe/Berlin").plays[0]
    assert there.played_at.isoformat() == "2024-05-04T01:30:00+02:00"
    histories.close()


def test_a_new_snapshot_is_seen_at_the_next_question(store: SnapshotStore, tmp_path: Path) -> None:
    histories = Histories(store, threads=1)
    assert histories.overview(ALL, now=NOW).totals.plays == 3
    history(tmp_path, play("2024-05-01 10:00", "t1"))
    assert histories.overview(ALL, now=NOW).totals.plays == 1
    assert len(histories.plays("ann").plays) == 1
    histories.close()


def test_who_or_what_is_not_there_is_said(store: SnapshotStore, tmp_path: Path) -> None:
    histories = Histories(store, threads=1)
    with pytest.raises(UnknownUserError):
        histories.overview(Asked("zoe", Wish(), "UTC"), now=NOW)
    with pytest.raises(NotReadyError, match="nothing in this window"):
        histories.overview(Asked("ann", Wish(year=2020), "UTC"), now=NOW)
    assert histories.plays("zoe").plays == ()
    histories.close()
    with pytest.raises(NotReadyError):
        Histories(SnapshotStore(tmp_path / "none")).plays("ann")


def test_each_listener_gets_what_all_marts_would_answer(store: SnapshotStore) -> None:
    """Whoever asks in between, and whatever is kept beside the snapshot."""
    with open_snapshot(store.current(), threads=1) as database:
        plain = {}
        for user in ("ann", "bob"):
            first, last = bounds(database, user)
            window = window_of(Wish(), zone_of("UTC"), first=first, last=last)
            heard = sum_up(database, user, window, "UTC")
            plain[user] = totals(heard), top(heard, "tracks"), drift(heard, "month")
    for _ in range(2):
        histories = Histories(store, threads=1)
        for user in ("ann", "bob", "ann"):
            asked = Asked(user, Wish(), "UTC")
            assert histories.overview(asked, now=NOW).totals == plain[user][0]
            assert histories.tops(asked).heard["tracks"] == plain[user][1]
            assert histories.drift(asked) is None or plain[user][2] is not None
            assert {play.track_id for play in histories.plays(user).plays} == {
                place.id for place in plain[user][1]
            } | ({"t3"} if user == "ann" else set())
        assert histories.names(["t4", "zz"]) == {"t4": ("Plain", ("Cem",))}
        histories.close()
        kept = sorted(store.folder.glob("beside/*/*/*"))
        assert len(kept) == 2
        kept[0].write_bytes(b"damaged")


def test_who_played_more_than_there_is_room_for_is_read_from_the_files(
    store: SnapshotStore,
) -> None:
    with open_snapshot(store.current(), threads=1) as database:
        beside = Beside(store.folder)
        for most, held in ((3, False), (4, True), (0, False)):
            take_in(database, "ann", snapshot="none", beside=beside, most_plays=most)
            everybody = database.table("SELECT count(DISTINCT user_id) AS n FROM plays")
            assert (everybody["n"][0].as_py() == 1) is held
