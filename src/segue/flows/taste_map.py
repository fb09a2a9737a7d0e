"""Draw the map of a taste: a listener's tracks and what is near them, placed by how they sound."""

from __future__ import annotations

import json
import logging
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.errors import NotReadyError
from segue.features.catalogue import Catalogue
from segue.features.plane import Directions, lay_out, place_among
from segue.features.vectors import TrackVectors, Vectors
from segue.flows.online.shelf import Opened
from segue.music import columns as c
from segue.music.mood_colours import hex_of, mood_colour
from segue.recommenders.content import Content
from segue.warehouse.snapshot_database import open_snapshot
from segue.warehouse.snapshots import Snapshot

__all__ = ["COLOURED", "Label", "Spot", "TasteMap", "draw_map"]

_log = logging.getLogger(__name__)
_HEARD: Final = 12_000  # that find their places by themselves, the most played
_FURTHER: Final = 40_000  # that are placed among those
_NEAR: Final = 4_000
_LOOKED_AT: Final = 40_000  # tracks among which the near ones are sought, the best known first
_FAVOURITES: Final = 200
_AT_ONCE: Final = 4_096
_GENRE_SHARE: Final = 0.4  # at full weight each genre is an island of its own
_SIDES: Final = 16  # of a vector that say most
COLOURED: Final = 7
"""Genres with a colour of their own; all others share one."""

_NEVER: Final = 255
_PERIODS: Final = 250
_GENRES: Final = 48
_ARTISTS: Final = 240
_CELLS: Final = 24
_SEED: Final = 17
_FEWEST: Final = 8
_HEAD: Final = "head"
_FILE: Final = "file"
_VISITS: Final = 240_000

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float32]
_POINT: Final = np.dtype(
    [
        ("x", "<u2"),
        ("y", "<u2"),
        ("plays", "<u2"),
        ("genre", "u1"),
        ("first", "u1"),
        ("mood", "u1", 3),
        ("known_mood", "u1"),
    ]
)
_VISIT: Final = np.dtype([("track", "<u2"), ("period", "u1"), ("plays", "u1")])


@dataclass(frozen=True, slots=True)
class Label:
    """A name on the map.

    Args:
        kind: genre or artist.
        name: What stands there.
        x: From left, 0 … 1.
        y: From the top, 0 … 1.
        tracks: How many of its tracks are on the map.
        plays: Of its tracks.
    """

    kind: str
    name: str
    x: float
    y: float
    tracks: int
    plays: int


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the map: the tracks nearest to it, and the genre that it lies in."""

    track_ids: tuple[str, ...]
    genre: str


@dataclass(frozen=True)
class TasteMap:
    """The map of one listener.

    Args:
        name: Of the models and the history that it was drawn from.
        track_ids: The tracks, those that were heard first.
        heard: How many of them were heard.
        places: float32, shape (n, 2): from left and from the top, 0 … 1.
        genre: Position in `genres` of each track, int64; -1 for none.
        genres: Main genres of the tracks.
        labels: Names of regions, the weightiest first.
        file: All that a page needs to draw it; see `packed`.
    """

    name: str
    track_ids: tuple[str, ...]
    heard: int
    places: Reals
    genre: Ints
    genres: tuple[str, ...]
    labels: tuple[Label, ...]
    file: bytes

    def as_bytes(self) -> bytes:
        """All of it, for `from_bytes`."""
        head = {"name": self.name, "heard": self.heard, "genres": self.genres}
        told = json.dumps({**head, "labels": [asdict(label) for label in self.labels]})
        columns = {
            "track_id": pa.array(self.track_ids, pa.string()),
            "x": self.places[:, 0],
            "y": self.places[:, 1],
            "genre": self.genre,
        }
        table = pa.table(columns).replace_schema_metadata({_HEAD: told, _FILE: self.file})
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table)
        return bytes(sink.getvalue().to_pybytes())

    @classmethod
    def from_bytes(cls, kept: bytes) -> TasteMap:
        """A map of `as_bytes`."""
        table = pa.ipc.open_stream(kept).read_all()
        told = json.loads(table.schema.metadata[_HEAD.encode()])
        return cls(
            name=told["name"],
            track_ids=tuple(table["track_id"].to_pylist()),
            heard=told["heard"],
            places=np.stack([table[side].to_numpy() for side in "xy"], axis=1),
            genre=table["genre"].to_numpy(),
            genres=tuple(told["genres"]),
            labels=tuple(Label(**label) for label in told["labels"]),
            file=table.schema.metadata[_FILE.encode()],
        )

    def names(self, catalogue: Catalogue) -> list[str]:
        """Title and artist of each track, in their order; of the catalogue it was drawn from."""
        columns = catalogue.tracks.select([c.TITLE, c.ARTIST])
        rows = columns.take(pa.array(catalogue.rows(list(self.track_ids)))).to_pylist()
        return [" – ".join(name for name in row.values() if name) for row in rows]

    def spot(self, x: float, y: float, *, tracks: int = 3) -> Spot:
        """What is at a place.

        Args:
            x: From left, 0 … 1.
            y: From the top, 0 … 1.
            tracks: The most tracks.
        """
        apart = ((self.places - np.array([x, y], np.float32)) ** 2).sum(axis=1)
        nearest = np.argsort(apart, kind="stable")[: max(tracks, _FEWEST)]
        of = [int(self.genre[n]) for n in nearest if self.genre[n] >= 0]
        genre = self.genres[max(set(of), key=of.count)] if of else ""
        return Spot(tuple(self.track_ids[n] for n in nearest[:tracks]), genre)


def draw_map(
    opened: Opened,
    user_id: str,
    *,
    first: int = _HEARD,
    tell: Callable[[float], None] = lambda part: None,
) -> TasteMap:
    """Draw the map anew; the same models and history give the same map.

    Args:
        opened: Models and history.
        user_id: Whose.
        first: So many tracks, the most played, find their places by themselves; the others that
            were heard are placed among them, and shown where there is room.
        tell: Is told how much is done, 0 … 1.

    Raises:
        NotReadyError: The sound or genre of too few tracks is known, or nothing was played.
    """
    content = opened.bundle.recommenders.get(Content.name)
    catalogue = opened.bundle.catalogue
    vectors = content.vectors_ if isinstance(content, Content) else None
    if vectors is None or not vectors.known.any():
        raise NotReadyError(
            "no map can be drawn: neither sound nor genre is known of any track",
            cure="Add a catalogue with audio features: `segue catalogue add`.",
        )
    visits = _visits(opened.snapshot, user_id)
    rows, plays = _heard_rows(visits, catalogue, vectors, first + _FURTHER)
    if not len(rows):
        raise NotReadyError(
            f"no map can be drawn: of nothing that {user_id} played the sound or genre is known",
            cure="Import a history, run `segue build` and `segue train`; a catalogue with audio"
            " features helps.",
        )
    near = _near(rows, plays, catalogue, vectors)
    every = np.concatenate([rows, near])
    places = _places(rows[:first], rows[first:], near, vectors, tell=tell)
    counts = np.concatenate([plays, np.zeros(len(near), np.int64)])
    genre, genres = _main_genres(catalogue, every, counts)
    labels = (
        *_genre_labels(places, genre, genres, counts),
        *_artist_labels(places, catalogue, every, counts),
    )
    _log.info("a map of %s tracks, %s of them heard", len(every), len(rows))
    return TasteMap(
        name=opened.name,
        track_ids=tuple(catalogue.track_ids[every].tolist()),
        heard=len(rows),
        places=places,
        genre=genre,
        genres=genres,
        labels=labels,
        file=_packed(
            _Drawn(places, genre, genres, labels, counts, first), every, catalogue, visits
        ),
    )


def _places(
    core: Ints, further: Ints, near: Ints, vectors: TrackVectors, *, tell: Callable[[float], None]
) -> Reals:
    """Where the tracks stand: the less played ones join the others."""
    laid_out = vectors.at(np.concatenate([core, near]))
    sides = _sides(laid_out, laid_out.terms)
    directions = Directions.of(sides, _SIDES)
    seen = directions.seen(sides)
    places = lay_out(seen, rng=np.random.default_rng(_SEED), tell=tell)
    joined = [places[: len(core)]]
    for start in range(0, len(further), _AT_ONCE):
        part = vectors.at(further[start : start + _AT_ONCE])
        joined.append(place_among(seen, places, directions.seen(_sides(part, laid_out.terms))))
    return np.concatenate([*joined, places[len(core) :]])


def _sides(vectors: Vectors, terms: Ints) -> Reals:
    """Sound and genres side by side; of the genres these terms, in ascending order."""
    columns = np.searchsorted(terms, vectors.terms)
    columns[columns == len(terms)] = 0
    told = terms[columns] == vectors.terms if len(terms) else np.zeros(len(vectors.terms), bool)
    genre = np.zeros((len(vectors.dense), len(terms)), np.float32)
    genre[:, columns[told]] = vectors.genre[:, told]
    return np.hstack([vectors.dense, genre * np.float32(_GENRE_SHARE)])


def _visits(snapshot: Snapshot, user_id: str) -> pa.Table:
    """Counted plays of each track in each period: months, or quarters where they are many."""
    with open_snapshot(snapshot, memory_limit="512MB") as database:
        bounds = database.table(
            "SELECT first_played_at AS first, last_played_at AS last FROM users"
            " WHERE user_id = $user_id",
            {"user_id": user_id},
        ).to_pylist()
        every = "month"
        if bounds and bounds[0]["first"] and bounds[0]["last"]:
            length: timedelta = bounds[0]["last"] - bounds[0]["first"]
            every = "month" if length.days <= 1_200 else "quarter"
        return database.table(
            f"SELECT track_id, date_trunc('{every}', played_at)::DATE AS period,"
            " count(*) AS plays FROM plays WHERE user_id = $user_id AND counted AND NOT not_me"
            " GROUP BY ALL ORDER BY period, track_id",
            {"user_id": user_id},
        )


def _heard_rows(
    visits: pa.Table, catalogue: Catalogue, vectors: TrackVectors, most: int
) -> tuple[Ints, Ints]:
    """The tracks that were heard most and have a place, with their plays."""
    sums = visits.group_by(c.TRACK_ID).aggregate([(c.PLAYS, "sum")])
    rows = catalogue.rows(sums[c.TRACK_ID].to_pylist())
    plays = sums[f"{c.PLAYS}_sum"].to_numpy().astype(np.int64)
    fit = rows >= 0
    fit[fit] = vectors.known[rows[fit]]
    rows, plays = rows[fit], plays[fit]
    order = np.lexsort((rows, -plays))[:most]
    return rows[order], plays[order]


def _near(rows: Ints, plays: Ints, catalogue: Catalogue, vectors: TrackVectors) -> Ints:
    """Tracks that were not heard, nearest to the favourites."""
    fit = vectors.known & catalogue.named
    fit[rows] = False
    found = np.flatnonzero(fit)
    if len(found) > _LOOKED_AT:
        # the best known, and of equals a fixed choice from all over the catalogue
        mixed = (found.astype(np.uint64) * np.uint64(2654435761)) % np.uint64(1 << 32)
        found = found[np.lexsort((mixed, -catalogue.fame[found]))[:_LOOKED_AT]]
    favourites = vectors.at(rows[:_FAVOURITES])
    best = np.zeros(len(found), np.float32)
    for start in range(0, len(found), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        best[part] = vectors.cosines_at(found[part], favourites).max(axis=0)
    most = min(_NEAR, max(400, len(rows)))
    return np.sort(found[np.lexsort((found, -best))[:most]])


def _main_genres(catalogue: Catalogue, rows: Ints, plays: Ints) -> tuple[Ints, tuple[str, ...]]:
    """The first genre of each track, and the names of all of these, the most played first."""
    lists = catalogue.tracks[c.GENRES].take(pa.array(rows)).to_pylist()
    firsts = [names[0] if names else "" for names in lists]
    sums: dict[str, tuple[int, int]] = {}
    for name, count in zip(firsts, plays.tolist(), strict=True):
        if name:
            played, tracks = sums.get(name, (0, 0))
            sums[name] = played + count, tracks + 1
    names = tuple(sorted(sums, key=lambda name: (*(-n for n in sums[name]), name)))
    place = {name: n for n, name in enumerate(names)} | {"": -1}
    return np.array([place[name] for name in firsts], np.int64), names


def _genre_labels(places: Reals, genre: Ints, genres: tuple[str, ...], plays: Ints) -> list[Label]:
    found = []
    fewest = max(_FEWEST, len(places) // 400)
    for n, name in enumerate(genres[:_GENRES]):
        at = np.flatnonzero(genre == n)
        if len(at) >= fewest:
            x, y = _middle(places[at])
            found.append(Label("genre", name, x, y, len(at), int(plays[at].sum())))
    return sorted(found, key=lambda label: (-label.tracks, label.name))


def _artist_labels(places: Reals, catalogue: Catalogue, rows: Ints, plays: Ints) -> list[Label]:
    codes = catalogue.artist_codes[rows]
    heard = np.bincount(codes[codes >= 0], plays[codes >= 0], len(catalogue.artist_ids))
    found = []
    for code in np.argsort(-heard, kind="stable")[:_ARTISTS]:
        at = np.flatnonzero(codes == code)
        if heard[code] > 0 and len(at) >= 2:
            x, y = _middle(places[at])
            name = catalogue.tracks[c.ARTIST][int(rows[at[0]])].as_py() or ""
            if name:
                found.append(Label("artist", name, x, y, len(at), int(heard[code])))
    return found


def _middle(places: Reals) -> tuple[float, float]:
    """Where points are densest: the mean around the fullest of some cells."""
    cells = np.minimum((places * _CELLS).astype(np.int64), _CELLS - 1)
    counts = np.bincount(cells[:, 0] * _CELLS + cells[:, 1])
    column, row = divmod(int(counts.argmax()), _CELLS)
    close = (abs(cells[:, 0] - column) <= 1) & (abs(cells[:, 1] - row) <= 1)
    x, y = places[close].mean(axis=0)
    return round(float(x), 4), round(float(y), 4)


@dataclass(frozen=True)
class _Drawn:
    places: Reals
    genre: Ints
    genres: tuple[str, ...]
    labels: Iterable[Label]
    plays: Ints
    first: int


def _packed(drawn: _Drawn, rows: Ints, catalogue: Catalogue, visits: pa.Table) -> bytes:
    """The map as a page reads it, all numbers little endian.

    Four bytes with the length of the head; the head, JSON padded to a multiple of four: how many
    `points` and `visits`, how many points are shown at a glance (`first`, and those never heard),
    the `genres` that have a colour, the first days of the `periods`, the `labels`. Then 12 bytes a
    point (x, y and plays as 16 bits; genre, 255 for others; the first period in which it was
    heard, 255 for never; red, green and blue of its mood; whether that is known), and 4 bytes a
    visit (point as 16 bits, period, plays).
    """
    periods = sorted(set(visits["period"].to_pylist()))[-_PERIODS:]
    visited = _visited(visits, periods, catalogue, rows)
    points = np.zeros(len(rows), _POINT)
    points["x"], points["y"] = np.clip(drawn.places * 65_535, 0, 65_535).T.astype(np.uint16)
    points["plays"] = np.minimum(drawn.plays, 65_535)
    points["genre"] = np.where((drawn.genre >= 0) & (drawn.genre < COLOURED), drawn.genre, _NEVER)
    points["first"] = _NEVER
    np.minimum.at(points["first"], visited["track"], visited["period"])
    points["mood"], points["known_mood"] = _moods(catalogue, rows)
    head: Mapping[str, Any] = {
        "points": len(points),
        "visits": len(visited),
        "first": drawn.first,
        "genres": drawn.genres[:COLOURED],
        "periods": [_day(period) for period in periods],
        "labels": [asdict(label) for label in drawn.labels],
    }
    written = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    written += b" " * (-len(written) % 4)
    return struct.pack("<I", len(written)) + written + points.tobytes() + visited.tobytes()


def _visited(
    visits: pa.Table, periods: list[date], catalogue: Catalogue, rows: Ints
) -> npt.NDArray[Any]:
    place = np.full(len(catalogue), -1, np.int64)
    place[rows] = np.arange(len(rows))
    of = catalogue.rows(visits[c.TRACK_ID].to_pylist())
    number = {period: n for n, period in enumerate(periods)}
    period = np.array([number.get(day, -1) for day in visits["period"].to_pylist()], np.int64)
    track = np.where(of >= 0, place[np.maximum(of, 0)], -1)
    fit = np.flatnonzero((track >= 0) & (period >= 0))[-_VISITS:]
    visited = np.zeros(len(fit), _VISIT)
    visited["track"], visited["period"] = track[fit], period[fit]
    visited["plays"] = np.minimum(visits[c.PLAYS].to_numpy()[fit], 255)
    return visited


def _moods(catalogue: Catalogue, rows: Ints) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    sound = catalogue.audio[rows][
        :, [c.AUDIO_FEATURES.index(name) for name in (c.ENERGY, c.VALENCE)]
    ]
    known = np.isfinite(sound).all(axis=1)
    colours = np.zeros((len(rows), 3), np.uint8)
    kept: dict[tuple[float, float], bytes] = {}
    for n in np.flatnonzero(known):
        # steps of a hundredth are more than an eye can tell
        pair = (round(float(sound[n, 0]), 2), round(float(sound[n, 1]), 2))
        if pair not in kept:
            kept[pair] = bytes.fromhex(hex_of(mood_colour(*pair))[1:])
        colours[n] = tuple(kept[pair])
    return colours, np.asarray(known)


def _day(period: date | datetime) -> str:
    return period.isoformat()[:10]
