"""A lake of simulated plays of thousands of users, for measuring what comes after the import.

The simulator of `segue simulate` makes histories that a person would believe; here only their
shapes matter (how often tracks repeat, how long sessions are, how many sources tell of a play),
and a hundred million plays must be there within minutes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.music import columns as c
from segue.music.lake_tables import PLAYS
from segue.sources.base import Chunk
from segue.warehouse.lake import Lake

__all__ = ["END", "HOURS", "PlaysWorld", "write_history", "write_hour"]

END: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When the history ends and the first hour of new plays begins."""

_YEARS: Final = 6
HOURS: Final = _YEARS * 365 * 24
"""How many hours the history is long."""

_PLAYS_A_USER: Final = 5_000
_PLAYS_A_COMMIT: Final = 1_000_000
_SESSION: Final = 12
_US: Final = 1_000_000

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PlaysWorld:
    """Users, and the tracks that they play.

    Args:
        n_plays: How many plays there are to be, told by all sources together; about.
        seed: Of everything drawn.
    """

    n_plays: int
    seed: int = 7

    @property
    def n_users(self) -> int:
        """Users; each has told of 5,000 plays on average."""
        return max(20, self.n_plays // _PLAYS_A_USER)

    @property
    def n_tracks(self) -> int:
        """Tracks; ten times as many plays are of three times as many tracks."""
        return int(60 * math.sqrt(self.n_plays))

    @cached_property
    def tracks(self) -> pa.Table:
        """Names, ids and lengths of all tracks."""
        rng = np.random.default_rng((self.seed, 1))
        numbers = np.arange(self.n_tracks)
        artist = pa.array(numbers * 7_919 % max(1, self.n_tracks // 8))
        names = pc.binary_join_element_wise("Artist", artist.cast(pa.string()), " ")
        titles = pa.array([f"{_word(n)} {_word(n // 7)} {n}" for n in numbers.tolist()])
        uris = pa.array([f"spotify:track:{n:022d}" for n in numbers.tolist()])
        albums = pa.array(numbers // 9).cast(pa.string())
        return pa.table(
            {
                c.TITLE: titles,
                c.ARTIST: names,
                c.ALBUM: pc.binary_join_element_wise("Album", albums, " "),
                c.SPOTIFY_URI: uris,
                "name_ref": pc.binary_join_element_wise(
                    pc.binary_join_element_wise("name:", names, ""), titles, "\x1f"
                ),
                c.DURATION_MS: pa.array(rng.integers(120_000, 320_000, self.n_tracks)),
            }
        )

    @cached_property
    def sizes(self) -> Ints:
        """Plays of each user before other sources tell of them again, shape (n_users,)."""
        rng = np.random.default_rng((self.seed, 2))
        share = rng.lognormal(0, 0.8, self.n_users)
        told = 1 + 0.4 / 4 + 0.1 / 2  # see `_told`
        return np.asarray(np.maximum(1, self.n_plays / told * share / share.sum()), np.int64)


def write_history(lake: Lake, world: PlaysWorld) -> int:
    """Write every user's history as commits of about a million plays; returns the rows kept.

    Commits that are there stay, so that what was interrupted goes on.
    """
    kept = 0
    there = len(lake.commits())
    with lake.writing():
        for number, users in islice(enumerate(_batches(world.sizes)), there, None):
            with lake.begin("history", Path(f"/bench/{number}"), user_id="bench", name="") as new:
                for user in users:
                    for name, rows in _told(world, user):
                        new.file(f"{user}/{name}.json", name)
                        new.stage(f"{user}/{name}.json", Chunk(PLAYS, rows))
                kept += new.commit(END + timedelta(seconds=number)).total.kept
    return kept


def write_hour(lake: Lake, world: PlaysWorld, *, hour: int, n_plays: int) -> int:
    """Write one commit with new plays of a few users, as hourly polling does; returns their number.

    Args:
        hour: From 0; hours after the end of the history.
        n_plays: How many; a user who listens plays eight, one in twenty a track never heard.
    """
    rng = np.random.default_rng((world.seed, 3, hour))
    users = rng.permutation(world.n_users)[: max(1, n_plays // 8)]
    begins = END + timedelta(hours=hour)
    place = Path(f"/bench/hour{hour}")
    with lake.writing(), lake.begin("history", place, user_id="bench", name="") as new:
        for user in users.tolist():
            track = rng.permutation(_favourites(world, user, rng))[:8]
            ms = world.tracks[c.DURATION_MS].to_numpy()[track]
            starts = int(begins.timestamp()) * _US + np.cumsum(ms + 2_000) * 1000
            rows = _api(world, user, track, starts)
            unheard = rng.random(len(track)) < 0.05
            new.file(f"{user}/polled.json", "spotify_api")
            new.stage(f"{user}/polled.json", Chunk(PLAYS, _renamed(rows, unheard, hour)))
        return new.commit(begins + timedelta(hours=1)).total.kept


def _batches(sizes: Ints) -> Iterator[list[int]]:
    """Users of one commit each time."""
    number = np.cumsum(sizes) // _PLAYS_A_COMMIT
    for batch in np.unique(number):
        yield np.flatnonzero(number == batch).tolist()


def _told(world: PlaysWorld, user: int) -> Iterator[tuple[str, pa.Table]]:
    """A user's plays by source: all in an export; some scrobbled, or polled, as well."""
    rng = np.random.default_rng((world.seed, 4, user))
    n = int(world.sizes[user])
    track = rng.choice(_favourites(world, user, rng), n)
    duration = world.tracks[c.DURATION_MS].to_numpy()[track]
    done = rng.random(n) < 0.8
    heard = np.where(done, duration, duration * rng.random(n)).astype(np.int64)
    starts = _starts(heard, rng)
    yield "spotify_export", _export(world, user, track, starts, heard, done, rng)
    if user % 4 == 0:
        late = np.arange(n) >= 0.6 * n
        yield "lastfm", _scrobbles(world, user, track[late], starts[late] + 2 * _US)
    if user % 2 == 0:
        late = np.arange(n) >= 0.9 * n
        yield "spotify_api", _api(world, user, track[late], starts[late])


def _favourites(world: PlaysWorld, user: int, rng: np.random.Generator) -> Ints:
    """Tracks that this user plays, the dearest many times; some of them everybody's."""
    own = np.random.default_rng((world.seed, 5, user))
    n = 20 + int(own.gamma(2, 300))
    pool = (world.n_tracks * own.random(n) ** 3).astype(np.int64)
    often = np.repeat(pool, own.geometric(0.3, n))
    return np.asarray(np.concatenate([often, rng.integers(0, world.n_tracks, n // 10)]))


def _starts(heard: Ints, rng: np.random.Generator) -> Ints:
    """Microseconds since 1970: sessions of a dozen plays, spread over the years up to the end."""
    n = len(heard)
    pause = np.where(rng.random(n) < 1 / _SESSION, rng.exponential(1.0, n), 0.0)
    free = _YEARS * 365 * 86_400_000 - heard.sum()
    pause *= max(0.0, free) / max(pause.sum(), 1e-9)
    ends = np.cumsum(heard + pause.astype(np.int64) + 500)
    starts = ends - heard
    last = int(END.timestamp() * 1000) - 3_600_000
    return np.asarray((starts - ends[-1] + last) // 1000 * _US)


def _named(world: PlaysWorld, track: Ints, *, by_name: bool) -> dict[str, Any]:
    found = world.tracks.take(pa.array(track))
    ref = found["name_ref"] if by_name else found[c.SPOTIFY_URI]
    names = {c.TRACK_REF: ref, **{name: found[name] for name in (c.TITLE, c.ARTIST, c.ALBUM)}}
    return names if by_name else {**names, c.SPOTIFY_URI: found[c.SPOTIFY_URI]}


def _plays(user: int, source: str, starts: Ints, columns: dict[str, Any]) -> pa.Table:
    n = len(starts)
    given = {
        c.USER_ID: pa.repeat(f"user{user:06d}", n),
        c.SOURCE: pa.repeat(source, n),
        c.PLAYED_AT: pa.array(starts).cast(PLAYS.schema.field(c.PLAYED_AT).type),
        **columns,
    }
    return pa.table(
        {
            field.name: given[field.name] if field.name in given else pa.nulls(n, field.type)
            for field in PLAYS.schema
        },
        schema=PLAYS.schema,
    )


def _export(
    world: PlaysWorld,
    user: int,
    track: Ints,
    starts: Ints,
    heard: Ints,
    done: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> pa.Table:
    n = len(track)
    ends = starts + heard * 1000
    return _plays(
        user,
        "spotify_export",
        starts,
        {
            **_named(world, track, by_name=False),
            c.ENDED_AT: pa.array(ends).cast(PLAYS.schema.field(c.ENDED_AT).type),
            # of one track in a hundred plays another edition was heard, a little longer
            c.MS_PLAYED: pa.array(
                heard + np.where(rng.random(n) < 0.01, rng.integers(0, 90, n), 0)
            ),
            c.REASON_START: pa.repeat("trackdone", n),
            c.REASON_END: pc.if_else(pa.array(done), "trackdone", "fwdbtn"),
            c.SKIPPED: pa.array(~done),
            c.SHUFFLE: pa.array(rng.random(n) < 0.3),
            c.OFFLINE: pa.array(np.zeros(n, bool)),
            c.INCOGNITO: pa.array(np.zeros(n, bool)),
            c.PLATFORM: pa.repeat(("ios", "android", "linux")[user % 3], n),
            c.COUNTRY: pa.repeat("DE", n),
        },
    )


def _scrobbles(world: PlaysWorld, user: int, track: Ints, starts: Ints) -> pa.Table:
    return _plays(user, "lastfm", starts, _named(world, track, by_name=True))


def _api(world: PlaysWorld, user: int, track: Ints, starts: Ints) -> pa.Table:
    duration = world.tracks[c.DURATION_MS].take(pa.array(track))
    named = _named(world, track, by_name=False)
    return _plays(user, "spotify_api", starts, {**named, c.DURATION_MS: duration})


def _renamed(rows: pa.Table, which: npt.NDArray[np.bool_], hour: int) -> pa.Table:
    """Some of the tracks become ones that nobody has played before."""
    for name in (c.TRACK_REF, c.SPOTIFY_URI, c.TITLE):
        column = rows[name].combine_chunks()
        other = pc.binary_join_element_wise(column, f"{hour}", "-")
        rows = rows.set_column(
            rows.schema.get_field_index(name),
            rows.schema.field(name),
            pc.if_else(pa.array(which), other, column),
        )
    return rows


def _word(number: int) -> str:
    """A word made of syllables, another for every number below a few thousand."""
    syllables = ("ka", "lo", "mi", "ru", "ne", "sho", "tal", "ver", "din", "o", "pra", "quin")
    word = ""
    while True:
        number, digit = divmod(number, len(syllables))
        word += syllables[digit]
        if not number:
            return word


def _main(home: str, plays: str, *hour: str) -> None:
    lake, world = Lake(Path(home) / "lake"), PlaysWorld(int(plays))
    if hour:
        write_hour(lake, world, hour=int(hour[0]), n_plays=int(hour[1]))
    else:
        write_history(lake, world)


if __name__ == "__main__":
    _main(*sys.argv[1:])
