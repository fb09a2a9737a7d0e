"""Builds of what has changed come to the same as building everything."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from segue.errors import WarehouseError
from segue.music.lake_tables import artist_ref, name_ref
from segue.music.marts import MARTS
from segue.warehouse.base import Rules
from tests.contracts.test_warehouses import MAKERS
from tests.flows.test_build import ACCOUNT, EXPORT, LASTFM, NOON, House, play
from tests.flows.test_equal_marts import OTHERS, content
from tests.postgres_server import database_of, server_of_tests

Rows = Sequence[Mapping[str, Any]]


class Twins:
    """A lake with two warehouses: one builds after every file, the other once, at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.step = House(folder / "step")
        self.builds = 0

    def add(self, table: str, rows: Rows) -> None:
        self.step.lake.add(table, list(rows))

    def compare(self) -> None:
        """Build what has changed, and everything; the marts must be equal, row for row.

        Everything is built of one or two users at a time.
        """
        self.step.build()
        self.builds += 1
        whole = House(
            self.folder / f"whole {self.builds}", self.step.warehouse.rules, plays_at_once=150
        )
        whole.lake = self.step.lake
        whole.build()
        assert marts(self.step) == marts(whole)

    def with_rules(self, **rules: Any) -> None:
        lake = self.step.lake
        self.step = House(self.folder / "step", Rules(**rules))
        self.step.lake = lake


def marts(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of the marts schema, sorted."""
    with duckdb.connect(str(house.warehouse.path), read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
        return {
            name: connection.execute(f"from marts.{name} order by all").fetchall()
            for (name,) in names
        }


def built_changes(house: House) -> bool:
    """Whether the last build built only what had changed."""
    with duckdb.connect(str(house.warehouse.path), read_only=True) as connection:
        found = connection.execute(
            "select value from intermediate.last_build where name = 'built'"
        ).fetchall()
    return found == [("changes",)]


def clock(house: House) -> list[tuple[int, int]]:
    """Weekdays and hours at which somebody listened."""
    with duckdb.connect(str(house.warehouse.path), read_only=True) as connection:
        return connection.execute("select weekday, hour from marts.listening_clock").fetchall()


@pytest.fixture
def twins(tmp_path: Path) -> Twins:
    return Twins(tmp_path)


def day(number: int) -> int:
    return number * 86_400


def listening(user: str, days: range, source: str = EXPORT, seed: int = 0) -> list[dict[str, Any]]:
    """Twenty plays an evening."""
    rng = random.Random(f"{user} {days} {seed}")
    rows = []
    for number in days:
        at = float(day(number))
        for _ in range(20):
            title = f"Song {rng.randrange(15)}"
            ms = rng.choice([180_000, 180_000, 40_000, 5_000])
            end = {180_000: "trackdone", 40_000: "fwdbtn", 5_000: None}[ms]
            rows.append(play(user, source, at, title, ms_played=ms, reason_end=end))
            at += ms / 1000 + rng.choice([0, 2, 3_000])
    return rows


def scrobbles(rows: Rows) -> list[dict[str, Any]]:
    """The same plays as Last.fm tells them: a few seconds late, without a length."""
    return [
        {
            **row,
            "source": LASTFM,
            "played_at": row["played_at"] + timedelta(seconds=7),
            "ended_at": None,
            "ms_played": None,
            "reason_end": None,
        }
        for row in rows
        if row["ms_played"] > 30_000
    ]


def word(verb: str, said: int, **about: Any) -> dict[str, Any]:
    return {
        "user_id": "forgetful",
        "source": "segue",
        "kind": "plays",
        "verb": verb,
        "said_at": NOON + timedelta(days=said),
        **about,
    }


URI = "spotify:track:{:022d}".format
LENT = {"since": NOON + timedelta(days=2), "until": NOON + timedelta(days=3)}
HEARD = listening("told again", range(8))
DONE = {"reason_end": "trackdone"}

# who -> what is imported before the first, the second and the third build
SCENES: Mapping[str, tuple[Rows, Rows, Rows]] = {
    "newer": (
        listening("newer", range(40)),
        listening("newer", range(40, 41)),
        listening("newer", range(41, 42)),
    ),
    "comes later": ([], listening("comes later", range(2)), listening("comes later", range(2, 3))),
    "older after newer": (
        listening("older after newer", range(10, 14)),
        listening("older after newer", range(5)),
        [play("older after newer", EXPORT, day(11) + 90, "Between", ms_played=700_000)],
    ),
    "stays": (listening("stays", range(5)), [], []),
    # a source that is believed more comes later, for some plays only
    "told again": (
        scrobbles(HEARD),
        [row for row in HEARD if row["played_at"] > NOON + timedelta(days=5)],
        HEARD[:60],
    ),
    # more than a tenth of the starts are whole minutes now: earlier doubles are judged anew
    "in minutes": (
        [
            *[play("in minutes", LASTFM, at * 1000 + 7, "A") for at in range(12)],
            *[play("in minutes", LASTFM, at, "A") for at in (3_000_000, 3_000_045)],
        ],
        [play("in minutes", LASTFM, day(90 + at), "B") for at in range(4)],
        [],
    ),
    # a play that is still on after a pause in which nothing began
    "long": (
        [
            play("long", EXPORT, 0, "Long", ms_played=20 * 3_600_000),
            *listening("long", range(5, 6)),
        ],
        [play("long", EXPORT, 19 * 3600, "In its sleep", ms_played=60_000)],
        [play("long", EXPORT, 20 * 3600 + 900, "Awake", ms_played=60_000)],
    ),
    "never pauses": (
        [play("never pauses", EXPORT, at * 7_200, "A", ms_played=60_000) for at in range(300)],
        [play("never pauses", EXPORT, 300 * 7_200, "A", ms_played=60_000)],
        [],
    ),
    # a track turns out longer: plays of it that were finished are not, whoever played them
    "longer": (
        [play("longer", EXPORT, 0, "Grows", ms_played=100_000, **DONE)],
        [play("longer", EXPORT, day(9), "Grows", ms_played=200_000, **DONE)],
        [],
    ),
    "heard before": ([play("heard before", EXPORT, 0, "Grows", ms_played=95_000)], [], []),
    # a new reference joins two songs into one
    "one song": (
        [
            play("one song", EXPORT, day(2), "First", track_ref=URI(1), isrc="GBAYE0601498"),
            play("one song", EXPORT, day(9), "Second", track_ref=name_ref("Artist", "Second")),
        ],
        [play("one song", EXPORT, day(30), "Second", track_ref=URI(3), isrc="GBAYE0601498")],
        [],
    ),
    "forgetful": (listening("forgetful", range(5)), [], listening("forgetful", range(6, 7))),
}
FEEDBACK: tuple[Rows, Rows, Rows] = (
    [],
    [word("not_me", 20, **LENT)],
    [word("undo", 21, **LENT), word("not_me", 22, since=NOON + timedelta(days=4))],
)
SONGS: Rows = [
    {
        "catalogue": "c",
        "track_ref": f"id:c:{n}",
        "title": f"Song {n}",
        "artist": "Artist",
        "duration_ms": 44_000,
        "genres": ["pop"],
    }
    for n in range(4)
]
# what a catalogue tells of tracks that were heard long ago: other names, an album, sound, genres
EDITIONS: Rows = [
    {
        "catalogue": "d",
        "track_ref": name_ref("Artist", f"Song {n}"),
        "title": f"SONG {n}!",
        "artist": "The Artist",
        "artists": ["The Artist", "Guest"],
        "album": "Best of (Deluxe Edition)",
        "year": 1999,
        "genres": ["jazz"],
        "valence": 0.25,
        "duration_ms": 41_000,
    }
    for n in (3, 9)
]
SAVED: Rows = [
    {"user_id": who, "source": "l", "kind": "saved_track", "track_ref": name_ref(who, "Saved")}
    | {"title": "Saved", "artist": who}
    for who in ("only saves", "stays")
]
LISTED: Rows = [
    {"user_id": "lists", "source": "l", "playlist": "p", "position": n}
    | {"track_ref": name_ref("Artist", f"Song {n + 8}"), "artist": "Artist", "title": f"Song {n}"}
    for n in range(3)
]
CROWD: Rows = [
    {"crowd": "x", "listener_id": who, "track_ref": ref, "artist": "Artist", "title": title}
    for who, ref, title in (
        ("a", name_ref("Artist", "Song 1"), "Song 1"),
        ("b", name_ref("Artist", "Song 1"), "Song 1"),
        ("b", artist_ref("Artist"), None),
        ("b", name_ref("Stranger", "Odd"), "Odd"),
    )
]
TAGS: Rows = [
    {"crowd": "x", "artist": "Artist", "tag": "rock", "weight": 9.0},
    {"crowd": "x", "artist": "only saves", "tag": "folk", "weight": 2.0},
]
# what is known of a track only as long as nobody answers something else
KNOWN = {"track_ref": name_ref("Artist", "Song 2"), "title": "Song 2", "artist": "Artist"}
POPULAR: Rows = [KNOWN | {"catalogue": "listenbrainz_popularity", "popularity": 12.5}]
ANSWER = {
    "user_id": "stays",
    "source": "listenbrainz",
    "kind": "popularity",
    "asked": "Song 2",
    "told_at": NOON + timedelta(days=50),
    "subject_ref": KNOWN["track_ref"],
    "position": 0,
    "score": 0.5,
}
# table -> what is imported before the first, the second and the third build
OTHER_TABLES: Mapping[str, tuple[Rows, Rows, Rows]] = {
    "feedback": FEEDBACK,
    "catalogue": (POPULAR, EDITIONS, SONGS),
    "library": ([], SAVED, []),
    "playlist_items": (LISTED[:1], [], LISTED[1:]),
    "crowd": ([], [], CROWD),
    "artist_tags": ([], [], TAGS),
}


def imported(step: int) -> Iterator[tuple[str, Rows]]:
    """The lake files of a step: table and rows."""
    files = [("plays", scene[step]) for scene in SCENES.values()]
    files += [(table, steps[step]) for table, steps in OTHER_TABLES.items()]
    yield from ((table, rows) for table, rows in files if rows)


def test_changes_come_to_the_same_as_everything(twins: Twins) -> None:
    for step in range(3):
        for table, rows in imported(step):
            twins.add(table, rows)
        twins.compare()
        assert built_changes(twins.step) == (step > 0)
        if step == 0:
            assert ("heard before", True) in twins.step.rows("plays", "user_id", "finished")
    assert ("heard before", False) in twins.step.rows("plays", "user_id", "finished")
    twins.add("answers", [ANSWER | KNOWN])
    twins.compare()
    assert ("Song 2", 50.0) in twins.step.rows("tracks", "title", "popularity")
    # other files, and an early one of plays, are gone: without the latter everything is built
    for table in ("catalogue", "library", "crowd"):
        twins.step.lake.written[table].clear()
    twins.compare()
    assert built_changes(twins.step)
    twins.step.lake.written["plays"].pop(0)
    twins.compare()
    assert not built_changes(twins.step)


@pytest.mark.parametrize("name", OTHERS)
def test_changes_in_other_warehouses(name: str, twins: Twins, tmp_path: Path) -> None:
    together = name == "snowflake"  # the same statements as PostgreSQL's: two builds do
    for step in range(3):
        for table, rows in imported(step):
            twins.add(table, rows)
        if not (together and step == 0):
            found = content(tmp_path, MAKERS[name](tmp_path / name), twins.step.lake)
    reference = content(tmp_path, twins.step.warehouse, twins.step.lake)
    for mart in MARTS:
        assert found[mart] == reference[mart], mart
    if name == "postgresql":
        with psycopg.connect(server_of_tests().url(database_of(tmp_path / name))) as connection:
            connection.execute("set time zone 'UTC'")
            assert connection.execute(
                "select value from intermediate.last_build where name = 'built'"
            ).fetchall() == [("changes",)]
            for mart, expected in marts(twins.step).items():
                if mart not in MARTS:
                    found_there = connection.execute(f"select * from marts.{mart}")
                    assert sorted(map(plain, found_there)) == sorted(map(plain, expected)), mart


def plain(row: Sequence[Any]) -> str:
    """A row to the bit, whatever the driver makes of whole numbers and of UTC."""
    return repr([_plain(value) for value in row])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    return int(value) if isinstance(value, Decimal) else value


def test_other_rules_are_applied_to_everything(twins: Twins) -> None:
    twins.add("plays", [*listening("u", range(4)), *scrobbles(listening("u", range(4)))])
    twins.step.build()
    hours = {hour for _, hour in clock(twins.step)}
    twins.with_rules(counted_ms=10_000, finished_share=0.2, time_zones={"u": "Asia/Tokyo"})
    twins.compare()
    assert {hour for _, hour in clock(twins.step)} == {(hour + 9) % 24 for hour in hours}
    assert not built_changes(twins.step)
    twins.step.build()
    assert built_changes(twins.step)


def test_after_a_build_that_failed_everything_is_built(twins: Twins) -> None:
    """Some of its models may be ahead of the others."""
    twins.add("plays", listening("u", range(4)))
    twins.step.build()
    twins.add("plays", listening("u", range(4, 6)))
    twins.with_rules(session_gap_minutes="no number")
    with pytest.raises(WarehouseError, match="no number"):
        twins.step.build()
    twins.with_rules()
    twins.compare()
    assert not built_changes(twins.step)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(1, 5))]
)
def test_any_order_of_imports(twins: Twins, seed: int) -> None:
    """Evenings of three users, told by three sources, imported in any order."""
    rng = random.Random(seed)
    files: list[list[dict[str, Any]]] = []
    for user in ("u", "v", "w"):
        for first in range(0, 9, 3):
            rows = listening(user, range(first, first + 3), seed=seed)
            files.append(rows)
            files.append(scrobbles(rows))
            files.append([{**row, "source": ACCOUNT} for row in rows[: rng.randrange(1, 40)]])
    rng.shuffle(files)
    while files:
        for _ in range(min(len(files), rng.randrange(6, 12))):
            twins.add("plays", files.pop())
        twins.add("catalogue", editions(rng))
        twins.compare()


def editions(rng: random.Random) -> Rows:
    """What a catalogue has to say of some songs, whether they were heard or not."""
    return [
        {
            "catalogue": "c",
            "track_ref": rng.choice([name_ref("Artist", f"Song {n}"), f"id:c:{n}"]),
            "title": f"Song {n}",
            "artist": rng.choice(["Artist", "artist"]),
            "album": rng.choice([None, "One", "Two"]),
            "genres": rng.choice([None, [], ["pop"], ["pop", "rock"]]),
            "energy": rng.random(),
            "duration_ms": rng.choice([None, 50_000, 200_000]),
        }
        for n in rng.sample(range(18), 4)
    ]
