"""The same lake gives the same marts, row for row and bit for bit, in every warehouse."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from segue.flows.build import build
from segue.music.lake_tables import artist_ref, name_ref
from segue.music.marts import MARTS
from segue.progress import Silent
from segue.warehouse.base import Warehouse
from segue.warehouse.duckdb import DuckDBWarehouse
from segue.warehouse.snapshots import SnapshotStore
from tests.contracts.test_warehouses import MAKERS
from tests.flows.test_build import CASES, EXPORT, LASTFM, NOW, play
from tests.lake_files import HandLake

OTHERS = [name for name in MAKERS if name != "duckdb"]

AWKWARD = [
    "",
    " ",
    "\u00a0\u3000hidden space\u2003",
    "\ttab and\nline\r\nend\t",
    "nul\x00in\x00side",
    "İSTANBUL ΟΔΟΣ ẞ Ǆ",
    "e\u0301 decomposed, é composed",
    "🎵🎶 زهرة 日本語 \U0010ffff",
    "quote ' double \" back \\ slash $$ ? % {} {{ x }} \\x00 \\N NULL",
    "a,b;c|d\x1fe",
    "long " * 20_000,
    "Ä", "ä", "Z", "a", "_", "ß", "ss", "Straße", "STRASSE",
]  # fmt: skip


def content(folder: Path, warehouse: Warehouse, lake: Any) -> dict[str, list[str]]:
    snapshots = SnapshotStore(folder / f"snapshots-{warehouse.name}")
    report = build(lake=lake, warehouse=warehouse, snapshots=snapshots, progress=Silent(), now=NOW)
    snapshot = snapshots.current()
    assert report.warehouse == warehouse.where
    assert report.rows == {mart: snapshot.rows(mart) for mart in MARTS}
    return {mart: sorted(exactly(snapshot.read(mart))) for mart in MARTS}


def exactly(rows: pa.Table) -> list[str]:
    """Rows in words that tell every bit of them apart."""
    return [repr([_exact(value) for value in row.values()]) for row in _numbered(rows).to_pylist()]


def _numbered(rows: pa.Table) -> pa.Table:
    """Times as microseconds: some are later than Python's datetime goes."""
    kinds = [pa.int64() if pa.types.is_timestamp(kind) else kind for kind in rows.schema.types]
    return rows.cast(pa.schema(zip(rows.schema.names, kinds, strict=True)))


def _exact(value: Any) -> Any:
    """A value whose `repr` tells every bit of it apart."""
    if isinstance(value, float) and math.isnan(value):
        return "nan"  # whose sign means nothing
    return struct.pack(">d", value).hex() if isinstance(value, float) else value


def equal(folder: Path, name: str, lake: Any) -> dict[str, list[str]]:
    """The content of every mart, which is the same in DuckDB and the other warehouse."""
    reference = content(folder, DuckDBWarehouse(folder / "duckdb" / "segue.duckdb"), lake)
    found = content(folder, MAKERS[name](folder / name), lake)
    for mart in MARTS:
        assert found[mart] == reference[mart], mart
    return found


@pytest.fixture
def lake(tmp_path: Path) -> HandLake:
    return HandLake(tmp_path / "lake")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.thorough] if name == "snowflake" else [])
        for name in OTHERS
    ],
)
def test_of_an_almost_empty_lake(name: str, lake: HandLake, tmp_path: Path) -> None:
    lake.add("library", [{"user_id": "v", "source": "l", "kind": "x", "track_ref": "id:1"}])
    assert len(equal(tmp_path, name, lake)["users"]) == 1


def plays_told_by_several_sources(lake: HandLake) -> None:
    lake.add("plays", [row for rows, _ in CASES.values() for row in rows])
    for offset in (0, 40):
        lake.add(
            "plays",
            [
                play("w", EXPORT, 200 * n + offset, f"Song {n % 7}", ms_played=(n % 9) * 9_999)
                for n in range(60)
            ],
        )
    lake.add("plays", [play("w", LASTFM, 200 * n + n % 5, f"Song {n % 7}") for n in range(70)])


def awkward_text(lake: HandLake) -> None:
    plays = [
        play("u", EXPORT, 300 * n, text, ms_played=60_000)
        | {"artist": f"Artist {text}", "artists": [f"Artist {text}", text], "album": text}
        | {"track_ref": name_ref(f"Artist {text}", text), "platform": text}
        | {"reason_start": text, "reason_end": text, "country": text[:2]}
        for n, text in enumerate(AWKWARD)
    ]
    lake.add("plays", plays)
    lake.add("plays", [row | {"user_id": f"user {row['title']}"} for row in plays])
    lake.add(
        "catalogue",
        [
            {
                "catalogue": text,
                "track_ref": f"id:c:{n}:{text}",
                "title": text,
                "artist": f"Artist {text}",
                "artists": [[], [text], [text, None, ""], None][n % 4],
                "album": f"{text} (Deluxe Edition)",
                "genres": [text, text.upper(), "", f" {text} "],
            }
            for n, text in enumerate(AWKWARD)
        ],
    )
    tags = [
        {"crowd": "a", "artist": f"Artist {text}", "tag": f"{text}{tag}", "weight": weight}
        for text in AWKWARD
        for tag, weight in (("x", 0.1), ("ÄX", 0.2), ("\x00", 3.0))
    ]
    lake.add("artist_tags", tags)
    items = {"user_id": "u", "source": "l", "position": 3}
    lake.add(
        "playlist_items",
        [items | {"playlist": text, "track_ref": name_ref("x", text)} for text in AWKWARD],
    )


def extreme_numbers_and_times(lake: HandLake) -> None:
    times = [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1900, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=1),
        datetime(2004, 1, 10, 13, 37, 3, 999_999, tzinfo=UTC),
        datetime(2004, 1, 10, 13, 37, 4, tzinfo=UTC),
        *(datetime(2024, 3, 31, 0, 59, 59, 999_999, tzinfo=UTC) + timedelta(minutes=30) * n
          for n in range(8)),  # where clocks go forward
        *(datetime(2024, 11, 3, 5, 30, tzinfo=UTC) + timedelta(minutes=30) * n for n in range(6)),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ]  # fmt: skip
    lake.add(
        "plays",
        [
            play("u", source, 0, f"Song {n % 3}", ms_played=[0, 1, None, 2**31 - 1][n % 4])
            | {"played_at": at, "ended_at": None, "duration_ms": [None, 0, 2**53][n % 3]}
            for n, at in enumerate(times)
            for source in (EXPORT, LASTFM)
        ],
    )
    numbers = [0.1, 0.2, 1 / 3, 1e-9, -0.0, 1e300, math.inf, -math.inf, math.nan, 2.5, None, 1e11]
    facts = [
        {"energy": number, "tempo": 0.1 * n, "popularity": number, "key": n, "year": year}
        for n, number in enumerate(numbers)
        for year in (999, 1000, 2999, 3000, None)
    ]
    row = {"catalogue": "c", "artist": "Artist"}
    for name_of in ("one {}", "one"):  # rows of their own, and all of them rows of one track
        titles = [name_of.format(n // 15) for n in range(len(facts))]
        lake.add(
            "catalogue",
            [
                row | fact | {"title": title, "track_ref": name_ref("Artist", title)}
                | {"duration_ms": 3 * n, "album": f"Album {n % 5}", "explicit": n % 2 == 0}
                for n, (title, fact) in enumerate(zip(titles, facts, strict=True))
            ],
        )  # fmt: skip
    lake.add(
        "crowd",
        [
            {"crowd": "c", "listener_id": str(who), "track_ref": artist_ref("A"), "plays": number}
            | {"played_at": times[n % len(times)]}
            for who in range(4)
            for n, number in enumerate(numbers * (who + 1))
        ],
    )
    finite = [number for number in numbers if number is not None and abs(number) < 1e6]
    lake.add(
        "artist_tags",
        [
            {"crowd": "c", "artist": "A", "tag": f"t{n % 4}", "weight": number}
            for n, number in enumerate(finite * 5)
        ],
    )


def told_by_services(lake: HandLake) -> None:
    """What is alike, asked again and for two users; advice; a popularity that has changed."""
    titles = ("Song 0", "Song 1", "Song 2", "Never heard")
    names = [(title, name_ref("Artist", title)) for title in titles]
    lake.add(
        "catalogue",
        [
            {"catalogue": "listenbrainz_popularity", "artist": "Artist", "title": title}
            | {"track_ref": ref, "popularity": 40.0}
            for title, ref in names
        ],
    )

    def told(
        user: str, day: int, score: float | None, ref: str | None, **more: Any
    ) -> dict[str, Any]:
        row = {"source": "listenbrainz", "kind": "similar_track", "asked": "one", "position": 0}
        row |= {"user_id": user, "told_at": NOW - timedelta(days=day), "score": score}
        return row | {"subject_ref": names[0][1], "track_ref": ref} | more

    refs = [ref for _, ref in names]
    lake.add(
        "answers",
        [
            told("w", 90, 1.0, refs[1]),  # that was so, and is no more
            told("w", 90, 0.9, refs[2], position=1),
            told("v", 1, 0.3, refs[2]),
            told("v", 1, 0.2, refs[3], position=1),
            told("w", 1, 0.7, refs[3], kind="similar_artist", source="lastfm"),
            told("w", 2, 0.6, refs[3], kind="similar_artist", source="lastfm", asked="two"),
            told("w", 1, 0.5, refs[3], kind="recommended", subject_ref="user:w"),
            told("v", 3, 0.4, refs[3], kind="recommended", subject_ref="user:v"),
            told("w", 200, 0.9, refs[0], kind="popularity"),
            told("v", 1, 0.125, refs[0], kind="popularity"),
            told("w", 1, None, None, kind="popularity", asked="two", position=-1),
        ],
    )


SCENES: Mapping[str, tuple[Callable[[HandLake], None], ...]] = {
    "several sources": (plays_told_by_several_sources, told_by_services),
    "awkward text": (awkward_text,),
    "extremes": (extreme_numbers_and_times,),
    "all": (
        plays_told_by_several_sources,
        told_by_services,
        awkward_text,
        extreme_numbers_and_times,
    ),
}


@pytest.mark.parametrize(
    ("name", "scene"),
    [
        ("postgresql", "all"),
        ("snowflake", "all"),
        *(
            pytest.param("postgresql", scene, marks=pytest.mark.thorough)
            for scene in ("several sources", "awkward text", "extremes")
        ),
    ],
)
def test_of_a_lake_full_of(name: str, scene: str, lake: HandLake, tmp_path: Path) -> None:
    for fill in SCENES[scene]:
        fill(lake)
    found = equal(tmp_path, name, lake)
    if plays_told_by_several_sources in SCENES[scene]:
        assert len(found["plays"]) > 100
        assert len(found["neighbours"]) == 5  # what is said last counts
        assert any(repr(_exact(12.5)) in row for row in found["tracks"])
    if awkward_text in SCENES[scene]:
        assert len(found["plays"]) >= 2 * len(AWKWARD)
        assert any("nul\ufffdin\ufffdside" in row for row in found["tracks"])
