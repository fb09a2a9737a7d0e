"""From raw files to published marts, with answers that are obvious by eye."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from segue.errors import NotReadyError, WarehouseError
from segue.flows.build import build
from segue.music.lake_tables import artist_ref, name_ref
from segue.music.marts import MARTS
from segue.progress import Silent
from segue.warehouse.base import BuildReport, Rules
from segue.warehouse.duckdb import DuckDBWarehouse
from segue.warehouse.snapshots import Snapshot, SnapshotStore
from tests.lake_files import HandLake

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class House:
    """A lake, a warehouse and snapshots in one folder."""

    def __init__(
        self, folder: Path, rules: Rules | None = None, *, plays_at_once: int = 1_000_000
    ) -> None:
        self.lake = HandLake(folder / "lake")
        self.warehouse = DuckDBWarehouse(
            folder / "warehouse" / "segue.duckdb",
            threads=1,
            rules=rules,
            plays_at_once=plays_at_once,
        )
        self.snapshots = SnapshotStore(folder / "snapshots")

    def build(self) -> BuildReport:
        return build(
            lake=self.lake,
            warehouse=self.warehouse,
            snapshots=self.snapshots,
            progress=Silent(),
            now=NOW,
        )

    @property
    def snapshot(self) -> Snapshot:
        return self.snapshots.current()

    def rows(self, mart: str, *columns: str) -> list[tuple[Any, ...]]:
        table = self.snapshot.read(mart, columns=columns)
        return [tuple(row.values()) for row in table.to_pylist()]


def play(user: str, source: str, seconds: float, title: str, **facts: Any) -> dict[str, Any]:
    """A play that starts so many seconds after noon."""
    ms = facts.get("ms_played")
    start = NOON + timedelta(seconds=seconds)
    row: dict[str, Any] = {
        "user_id": user,
        "source": source,
        "played_at": start,
        "ended_at": None if ms is None else start + timedelta(milliseconds=ms),
        "track_ref": name_ref("Artist", title),
        "title": title,
        "artist": "Artist",
    }
    return row | facts


EXPORT, LASTFM, ACCOUNT = "spotify_export", "lastfm", "spotify_account"

# user -> (plays as told, (source, seconds after noon) of the plays that are left)
CASES: Mapping[str, tuple[list[dict[str, Any]], list[tuple[str, int]]]] = {
    "twice in a source": (
        [
            play("twice in a source", EXPORT, 0, "A", ms_played=200_000),
            play("twice in a source", EXPORT, 20, "A", ms_played=200_000),
            play("twice in a source", EXPORT, 20, "B", ms_played=200_000),
            play("twice in a source", EXPORT, 25, "A", ms_played=199_000),
            play("twice in a source", EXPORT, 230, "A", ms_played=200_000),
        ],
        [(EXPORT, 0), (EXPORT, 20), (EXPORT, 25), (EXPORT, 230)],
    ),
    "told by two": (
        [
            play("told by two", EXPORT, 0, "A", ms_played=200_000),
            play("told by two", LASTFM, 3, "A"),
            play("told by two", LASTFM, 1000, "A"),
        ],
        [(EXPORT, 0), (LASTFM, 1000)],
    ),
    "a scrobble within the span": (
        [
            play("a scrobble within the span", EXPORT, 0, "A", ms_played=400_000),
            play("a scrobble within the span", LASTFM, 395, "A"),
        ],
        [(EXPORT, 0)],
    ),
    "another track": (
        [
            play("another track", EXPORT, 0, "A", ms_played=200_000),
            play("another track", LASTFM, 3, "B"),
        ],
        [(EXPORT, 0), (LASTFM, 3)],
    ),
    "on repeat": (
        [
            *[play("on repeat", EXPORT, at, "A", ms_played=60_000) for at in (0, 60, 120)],
            *[play("on repeat", LASTFM, at, "A") for at in (2, 62, 122, 182)],
        ],
        [(EXPORT, 0), (EXPORT, 60), (EXPORT, 120), (LASTFM, 182)],
    ),
    "three sources": (
        [
            play("three sources", "maloja", 5, "A"),
            play("three sources", LASTFM, 2, "A"),
            play("three sources", EXPORT, 0, "A", ms_played=200_000),
        ],
        [(EXPORT, 0)],
    ),
    "minutes only": (
        [
            play("minutes only", EXPORT, 0, "A", ms_played=200_000),
            play("minutes only", ACCOUNT, -110, "A", ms_played=200_000),
            play("minutes only", "koito", 900, "A"),
            play("minutes only", "maloja", 1010, "A"),
        ],
        [(EXPORT, 0), ("koito", 900), ("maloja", 1010)],
    ),
    "a plugin": (
        [play("a plugin", "my_player", 1, "A"), play("a plugin", "koito", 0, "A")],
        [("koito", 0)],
    ),
}


@pytest.fixture(scope="module")
def counted_once(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House(tmp_path_factory.mktemp("once"))
    house.lake.add("plays", [row for rows, _ in CASES.values() for row in rows])
    house.build()
    return house


@pytest.mark.parametrize("user", CASES)
def test_a_play_is_counted_once(counted_once: House, user: str) -> None:
    rows = counted_once.rows("plays", "user_id", "source", "played_at")
    left = [(source, (at - NOON).total_seconds()) for who, source, at in rows if who == user]
    assert left == CASES[user][1]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House(tmp_path_factory.mktemp("judged"))
    long = {"duration_ms": 200_000}
    house.lake.add(
        "plays",
        [
            play("u", EXPORT, 0, "done", ms_played=200_000, reason_end="trackdone"),
            play("u", EXPORT, 300, "nearly", ms_played=185_000, reason_end="fwdbtn", **long),
            play("u", EXPORT, 600, "left", ms_played=50_000, reason_end="fwdbtn", **long),
            play("u", EXPORT, 700, "flag", ms_played=5_000, skipped=True),
            play("u", EXPORT, 800, "stopped", ms_played=100_000, reason_end="endplay", **long),
            play("u", LASTFM, 1000, "scrobble"),
            play("u", ACCOUNT, 1300, "short", ms_played=2_000),
            play("u", ACCOUNT, 1400, "whole", ms_played=100_000),
            # 1400 + 100 s + half an hour later, to the second: a new session
            play("u", EXPORT, 3300, "late", ms_played=40_000, reason_end="trackdone"),
        ],
    )
    house.build()
    return house


def test_what_was_heard(judged: House) -> None:
    titles = dict(judged.rows("tracks", "track_id", "title"))
    found = {
        titles[track]: "".join(letter for letter, on in zip("sfc", flags, strict=True) if on)
        for track, *flags in judged.rows("plays", "track_id", "skipped", "finished", "counted")
    }
    assert found == {
        "done": "fc",
        "nearly": "fc",
        "left": "sc",
        "flag": "s",
        "stopped": "c",
        "scrobble": "c",
        "short": "s",
        "whole": "fc",
        "late": "fc",
    }


def test_sessions_end_with_a_pause(judged: House) -> None:
    rows = judged.rows("sessions", "started_at", "plays", "tracks", "skips")
    assert [((at - NOON).total_seconds(), *rest) for at, *rest in rows] == [
        (0, 6, 8, 3),
        (3300, 1, 1, 0),
    ]


def test_users_and_counts(judged: House) -> None:
    assert judged.rows("users", "user_id", "plays", "tracks", "artists", "skips") == [
        ("u", 7, 7, 1, 3)
    ]
    counts = judged.rows("user_track_counts", "plays", "finishes", "skips", "days")
    assert sorted(counts) == sorted(
        [(1, 1, 0, 1)] * 4 + [(1, 0, 1, 1)] + [(1, 0, 0, 1)] * 2 + [(0, 0, 1, 0)] * 2
    )


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, BuildReport]:
    house = House(tmp_path_factory.mktemp("full"))
    uri = "spotify:track:{:022d}".format
    song = {"catalogue": "c", "artist": "Björk", "duration_ms": 240_000}
    house.lake.add(
        "catalogue",
        [
            song
            | {"track_ref": uri(1), "title": "Jóga", "genres": ["Pop"], "energy": 0.2, "key": 3},
            song
            | {"track_ref": uri(1), "title": "Jóga", "genres": ["art "], "energy": 0.2, "key": 3},
            song
            | {"track_ref": uri(2), "title": "Joga - Live", "energy": 0.5, "year": 1999, "key": 9},
            song | {"track_ref": uri(3), "title": "Hyperballad", "album": "Post (Deluxe Edition)"},
            song | {"track_ref": uri(4), "title": "Isobel", "album": "Post", "year": 1995},
        ],
    )
    house.lake.add(
        "plays",
        [
            play("u", EXPORT, 0, "x", ms_played=240_000, track_ref=uri(2)),
            play("u", LASTFM, 2, "Joga", artist="Bjork", track_ref=name_ref("Bjork", "Joga")),
            play("u", LASTFM, 900, "Hyperbalad", artist="Björk", track_ref="name:Björk\x1fHb"),
            play("u", LASTFM, 1900, "Own", artist="Nobody", track_ref="name:Nobody\x1fOwn"),
            play("u", "odd", 2900, "?", track_ref=artist_ref("Nobody")),  # not of a track
        ],
    )
    house.lake.add(
        "crowd",
        [
            {"crowd": "a", "listener_id": "1", "track_ref": artist_ref("Bjork"), "plays": 7},
            {"crowd": "a", "listener_id": "1", "track_ref": artist_ref("Other"), "plays": 1},
            *(
                {
                    "crowd": "s",
                    "listener_id": "1",
                    "track_ref": "id:s:5",
                    "session_id": "z",
                    "position": position,
                }
                for position in (4, 2)
            ),
            *(
                {
                    "crowd": "t",
                    "listener_id": "9",
                    "track_ref": uri(4),
                    "played_at": NOON + timedelta(minutes=minutes),
                }
                for minutes in (0, 5, 100)
            ),
        ],
    )
    house.lake.add(
        "artist_tags",
        [
            {"crowd": "a", "artist": "nobody", "tag": "Folk", "weight": 9},
            {"crowd": "a", "artist": "nobody", "tag": "seen live", "weight": 90},
            {"crowd": "a", "artist": "Björk", "tag": "icelandic", "weight": 9},
        ],
    )
    house.lake.add(
        "library",
        [
            {"user_id": "v", "source": "l", "kind": "saved_track", "track_ref": uri(3)},
            {
                "user_id": "v",
                "source": "l",
                "kind": "followed_artist",
                "track_ref": artist_ref("Björk"),
                "artist": "Björk",
            },
            {
                "user_id": "v",
                "source": "l",
                "kind": "saved_album",
                "track_ref": "spotify:album:1",
                "artist": "Björk",
                "album": "Post",
            },
        ],
    )
    house.lake.add(
        "playlist_items",
        [
            {
                "user_id": "v",
                "source": "l",
                "playlist": "p",
                "position": position,
                "track_ref": uri(number),
            }
            for position, number in ((0, 4), (7, 1))
        ],
    )
    return house, house.build()


def test_the_published_schema_is_the_promised_one(full: tuple[House, BuildReport]) -> None:
    house, report = full
    for mart, schema in MARTS.items():
        assert pq.read_schema(house.snapshot.files(mart)[0]).remove_metadata().equals(schema), mart
        assert house.snapshot.read(mart).num_rows == report.rows[mart]


def test_songs_are_found_and_merged(full: tuple[House, BuildReport]) -> None:
    house, report = full
    assert report.matches == {"source_id": 4, "name": 1, "fuzzy": 1, "own": 1, "artist": 1}
    assert report.coverage == pytest.approx(6 / 7)
    assert report.tests > 10
    assert set(report.seconds) == {"load", "match", "dbt", "publish"}
    tracks = {row["title"]: row for row in house.snapshot.read("tracks").to_pylist()}
    joga = tracks["Jóga"]
    assert (joga["plays"], joga["key"], joga["year"], joga["genres"]) == (
        1,
        3,
        1999,
        ["art", "pop"],
    )
    assert joga["energy"] == pytest.approx(0.3)
    assert (joga["artist"], joga["artists"], joga["in_catalogue"]) == ("Björk", ["Björk"], True)
    assert tracks["Hyperballad"]["plays"] == 1
    assert tracks["Hyperballad"]["album_id"] == tracks["Isobel"]["album_id"]
    assert (tracks["Own"]["genres"], tracks["Own"]["in_catalogue"]) == (["folk"], False)
    assert tracks["Isobel"]["genres"] == ["icelandic"]


def test_crowds(full: tuple[House, BuildReport]) -> None:
    house, _ = full
    artists = dict(house.rows("artists", "artist", "artist_id"))
    counts = house.rows("crowd_counts", "crowd", "artist_id", "plays")
    assert ("a", artists["Björk"], 7) in counts
    assert ("s", None, 2) in counts
    assert [row[:2] for row in house.rows("crowd_sessions", "session_id", "position")] == [
        ("z", 0),
        ("z", 1),
        ("9#1", 0),
        ("9#1", 1),
        ("9#2", 0),
    ]


def test_libraries_and_playlists(full: tuple[House, BuildReport]) -> None:
    house, _ = full
    titles = dict(house.rows("tracks", "track_id", "title"))
    library = house.rows("library", "kind", "track_id", "artist_id")
    assert [(kind, titles.get(track), bool(artist)) for kind, track, artist in library] == [
        ("followed_artist", None, True),
        ("saved_album", None, True),
        ("saved_track", "Hyperballad", True),
    ]
    playlist = house.rows("playlist_tracks", "position", "track_id")
    assert [(position, titles[track]) for position, track in playlist] == [
        (0, "Isobel"),
        (1, "Jóga"),
    ]
    assert [user for (user,) in house.rows("users", "user_id")] == ["u", "v"]


def test_more_data_then_the_same_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    with pytest.raises(NotReadyError, match="segue import"):
        house.build()
    house.lake.add("plays", [play("u", EXPORT, 0, "A", ms_played=40_000)])
    house.build()
    before = house.rows("tracks", "track_id")
    house.lake.add("plays", [play("u", EXPORT, 500, "B", ms_played=20_000)])
    house.lake.add(
        "catalogue", [{"catalogue": "c", "track_ref": "id:c:1", "title": "A", "artist": "Artist"}]
    )
    report = house.build()
    assert report.rows["plays"] == 2
    assert set(before) < set(house.rows("tracks", "track_id"))
    assert house.build().rows == report.rows
    # a rule that changes needs no second import
    strict = House(tmp_path, Rules(counted_ms=10_000))
    strict.lake = house.lake
    strict.build()
    assert strict.rows("users", "plays") == [(2,)]
    # a lake whose first file is gone is the truth all the same
    house.lake.written["plays"].pop(0)
    assert house.build().rows["plays"] == 1


def test_a_damaged_lake_file_leaves_the_old_snapshot(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.lake.add("plays", [play("u", EXPORT, 0, "A", ms_played=40_000)])
    published = house.build().snapshot
    bad = house.lake.add("plays", [play("u", EXPORT, 500, "B", ms_played=20_000)])
    whole = bad.path.read_bytes()
    bad.path.write_bytes(whole[:-20])
    with pytest.raises(WarehouseError, match=r"1\.parquet has changed"):
        house.build()
    bad.path.unlink()
    with pytest.raises(WarehouseError, match="is gone"):
        house.build()
    assert house.snapshot.name == published
    bad.path.write_bytes(whole)
    assert house.build().rows["plays"] == 2


def test_a_failing_model_is_named_and_nothing_is_published(tmp_path: Path) -> None:
    house = House(tmp_path, Rules(counted_ms="no number"))  # type: ignore[arg-type] # the fault
    house.lake.add("plays", [play("u", EXPORT, 0, "A", ms_played=40_000)])
    with pytest.raises(WarehouseError, match="model int_track_lengths"):
        house.build()
    with pytest.raises(NotReadyError):
        house.snapshots.current()
