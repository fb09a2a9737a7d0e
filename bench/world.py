"""A made-up world of tracks and listeners of any size, drawn in seconds, to measure with.

Scenes lie on a ring, neighbours being alike. A track belongs to a scene, and within it popularity
falls by a power law. A listener has a few home scenes and strays to their neighbours; a tenth of
what they play is what everybody plays. So there is something to learn, and a long tail.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from segue.features.catalogue import Catalogue
from segue.features.interactions import Interactions
from segue.features.training_data import Sessions, TrainingData
from segue.music import columns as c
from segue.music.marts import MARTS
from segue.music.query import HISTORY

__all__ = ["NOW", "World", "bare_data", "catalogue", "training_data"]

NOW: Final = datetime(2024, 6, 1, 12, tzinfo=UTC)
"""When every query of a benchmark is asked."""

_TRACKS_A_SCENE: Final = 250
_TRACKS_AN_ARTIST: Final = 12
_STEEPNESS: Final = 2.5
_EVERYBODYS: Final = 0.1
_STRAYING: Final = 0.8
_HOMES: Final = 4

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """Where tracks are and what listeners draw.

    Args:
        n_tracks: Tracks, numbered from 0.
        seed: Of everything drawn.
    """

    n_tracks: int
    seed: int = 7
    _order: Ints = field(init=False, repr=False)
    _bounds: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        scene = np.sort(rng.integers(0, self.n_scenes, self.n_tracks))
        object.__setattr__(self, "_order", rng.permutation(self.n_tracks))
        object.__setattr__(
            self, "_bounds", np.searchsorted(scene, np.arange(self.n_scenes + 1)).astype(np.int64)
        )

    @property
    def n_scenes(self) -> int:
        """Scenes on the ring."""
        return max(4, self.n_tracks // _TRACKS_A_SCENE)

    def scenes(self) -> Ints:
        """The scene of every track, shape (n_tracks,)."""
        scene = np.empty(self.n_tracks, np.int64)
        scene[self._order] = np.repeat(np.arange(self.n_scenes), np.diff(self._bounds))
        return scene

    def homes(self, n_users: int, rng: np.random.Generator) -> Ints:
        """The home scenes of some listeners, shape (n_users, 4), the first being the dearest."""
        return rng.integers(0, self.n_scenes, (n_users, _HOMES))

    def draw(self, homes: Ints, users: Ints, rng: np.random.Generator) -> Ints:
        """One track for each entry of `users`, drawn to that listener's taste."""
        dearest = np.minimum(rng.geometric(0.4, len(users)) - 1, _HOMES - 1)
        stray = np.round(rng.normal(0, _STRAYING, len(users))).astype(np.int64)
        scene = (homes[users, dearest] + stray) % self.n_scenes
        low, high = self._bounds[scene], self._bounds[scene + 1]
        place = low + ((high - low) * rng.random(len(users)) ** _STEEPNESS).astype(np.int64)
        # of what everybody plays, most is a scene's own best
        anywhere = rng.random(len(users)) < _EVERYBODYS
        hits = (self.n_scenes * rng.random(len(users)) ** _STEEPNESS).astype(np.int64)
        place = np.where(anywhere, self._bounds[hits], place)
        return np.asarray(self._order[np.minimum(place, self.n_tracks - 1)])

    def listens(self, n_users: int, n_pairs: int, seed: int = 1) -> sp.csr_array:
        """Play counts of a crowd, float32, shape (n_users, n_tracks), about `n_pairs` entries."""
        rng = np.random.default_rng((self.seed, seed))
        homes = self.homes(n_users, rng)
        activity = rng.lognormal(0, 0.7, n_users)
        keys = np.empty(0, np.int64)
        while len(keys) < 0.99 * n_pairs:
            missing = int(1.05 * (n_pairs - len(keys))) + 1
            users = rng.choice(n_users, missing, p=activity / activity.sum())
            keys = np.unique(
                np.concatenate([keys, users * self.n_tracks + self.draw(homes, users, rng)])
            )
        if len(keys) > n_pairs:
            keys = np.sort(rng.choice(keys, n_pairs, replace=False, shuffle=False))
        user, track = np.divmod(keys, self.n_tracks)
        plays = rng.geometric(0.35, len(keys)).astype(np.float32)
        offsets = np.searchsorted(user, np.arange(n_users + 1))
        return sp.csr_array(
            (plays, track.astype(np.int32), offsets.astype(np.int64)),
            shape=(n_users, self.n_tracks),
        )

    def sessions(self, n_sessions: int, length: int = 10, seed: int = 2) -> Sessions:
        """Sessions of one listener each, all in the last year."""
        rng = np.random.default_rng((self.seed, seed))
        homes = self.homes(n_sessions, rng)
        homes[:, 1:] = homes[:, :1]
        users = np.repeat(np.arange(n_sessions), length)
        ended = int(NOW.timestamp()) - np.sort(rng.integers(0, 365 * 86_400, n_sessions))[::-1]
        return Sessions(
            offsets=np.arange(0, length * n_sessions + 1, length, dtype=np.int64),
            tracks=self.draw(homes, users, rng).astype(np.int32),
            ended_at=ended.astype(np.int64),
        )

    def history(self, track_ids: npt.NDArray[np.object_], n_plays: int, seed: int) -> pa.Table:
        """Three years of one listener, in the HISTORY schema: old loves again, and new ones."""
        rng = np.random.default_rng((self.seed, 3, seed))
        homes = self.homes(1, rng)
        known = np.unique(self.draw(homes, np.zeros(n_plays // 4, np.int64), rng))
        # later plays draw from more tracks, the early ones of them most
        reach = np.maximum(20, len(known) * np.arange(1, n_plays + 1) // n_plays)
        played = rng.permutation(known)[(reach * rng.random(n_plays) ** 1.5).astype(np.int64)]
        seconds = np.sort(rng.integers(0, 3 * 365 * 86_400, n_plays)).astype(np.int64)
        first = int((NOW - timedelta(days=3 * 365)).timestamp())
        skipped = rng.random(n_plays) < 0.15
        return pa.table(
            {
                c.TRACK_ID: pa.array(track_ids[played].tolist(), pa.string()),
                c.PLAYED_AT: pa.array((first + seconds) * 1_000_000, pa.int64()).cast(
                    HISTORY.field(c.PLAYED_AT).type
                ),
                c.COUNTED: pa.array(~skipped),
                c.FINISHED: pa.array(~skipped & (rng.random(n_plays) < 0.8)),
                c.SKIPPED: pa.array(skipped),
            },
            schema=HISTORY,
        )


def catalogue(world: World) -> Catalogue:
    """Names, artists, genres, years, popularity and audio features for every track of a world."""
    rng = np.random.default_rng((world.seed, 4))
    n_tracks, scene = world.n_tracks, world.scenes()
    artist = _artists(world, scene, rng)
    numbers = np.sort(rng.choice(1 << 40, n_tracks, replace=False))
    artist_names = pa.array([f"Artist {number}" for number in range(int(artist.max()) + 1)])
    artists = artist_names.take(pa.array(artist))
    columns: dict[str, Any] = {
        c.TRACK_ID: pa.array([f"t{number:016x}" for number in numbers.tolist()]),
        c.TITLE: pa.array([f"Song number {number}" for number in range(n_tracks)]),
        c.ARTIST: artists,
        c.ARTIST_ID: pa.array([f"a{number:016x}" for number in range(int(artist.max()) + 1)]).take(
            pa.array(artist)
        ),
        c.ARTISTS: pa.ListArray.from_arrays(np.arange(n_tracks + 1, dtype=np.int32), artists),
        c.DURATION_MS: pa.array(rng.integers(120_000, 360_000, n_tracks)),
        c.YEAR: pa.array((2024 - rng.gamma(1.5, 9, n_tracks)).astype(np.int32)),
        c.POPULARITY: pa.array(100 * rng.random(n_tracks) ** 3),
        c.GENRES: _genres(world, artist, rng),
        "in_catalogue": pa.array(np.ones(n_tracks, bool)),
        c.PLAYS: pa.array(np.zeros(n_tracks, np.int64)),
        "crowd_listeners": pa.array(rng.integers(0, 300, n_tracks)),
        **_audio(scene, artist, rng),
    }
    schema = MARTS["tracks"]
    missing = {one.name: pa.nulls(n_tracks, one.type) for one in schema if one.name not in columns}
    return Catalogue(pa.table({**columns, **missing}).select(schema.names).cast(schema))


def training_data(
    world: World,
    tracks: Catalogue,
    *,
    n_listeners: int,
    n_pairs: int,
    n_sessions: int,
) -> TrainingData:
    """What the recommenders fit on: a crowd and its sessions."""
    matrix = world.listens(n_listeners, n_pairs)
    names = np.array([f"crowd:bench:{user:07}" for user in range(n_listeners)], dtype=object)
    nobody = Interactions(
        sp.csr_array((0, 0), dtype=np.float32), np.empty(0, object), np.empty(0, object)
    )
    return TrainingData(
        catalogue=tracks,
        interactions=Interactions(matrix, names, tracks.track_ids),
        sessions=world.sessions(n_sessions),
        artist_interactions=nobody,
        trend=np.asarray(matrix.sum(axis=0)).ravel().astype(np.float32),
        local_users=(),
        as_of=NOW,
    )


def bare_data(plays: sp.csr_matrix) -> TrainingData:
    """A crowd's plays of tracks of which nothing else is known."""
    n_users, n_tracks = plays.shape
    schema = MARTS["tracks"]
    ids = np.array([f"t{number:08}" for number in range(n_tracks)], dtype=object)
    columns = {field.name: pa.nulls(n_tracks, field.type) for field in schema}
    columns[c.TRACK_ID] = pa.array(ids, pa.string())
    columns[c.TITLE] = columns[c.TRACK_ID]
    names = np.array([f"crowd:bench:{user:07}" for user in range(n_users)], dtype=object)
    nobody = Interactions(
        sp.csr_array((0, 0), dtype=np.float32), np.empty(0, object), np.empty(0, object)
    )
    return TrainingData(
        catalogue=Catalogue(pa.table(columns, schema=schema)),
        interactions=Interactions(sp.csr_array(plays), names, ids),
        sessions=Sessions(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.int64)),
        artist_interactions=nobody,
        trend=np.asarray(plays.sum(axis=0)).ravel().astype(np.float32),
        local_users=(),
        as_of=NOW,
    )


def _artists(world: World, scene: Ints, rng: np.random.Generator) -> Ints:
    """The artist of every track: an artist keeps to one scene."""
    a_scene = _TRACKS_A_SCENE // _TRACKS_AN_ARTIST
    within = (a_scene * rng.random(len(scene)) ** 1.5).astype(np.int64)
    return np.asarray(scene * a_scene + within)


def _genres(world: World, artist: Ints, rng: np.random.Generator) -> pa.ListArray:
    """Two or three genres an artist: a broad one, one of the scenes around, at times a rare one."""
    n_artists = int(artist.max()) + 1
    a_scene = _TRACKS_A_SCENE // _TRACKS_AN_ARTIST
    place = np.arange(n_artists) // a_scene / world.n_scenes
    broad = (24 * place).astype(int)
    near = (480 * place).astype(int)
    rare = np.where(rng.random(n_artists) < 0.05, rng.integers(0, 900, n_artists), -1)
    lists = [
        sorted(
            {f"broad {b}", f"near {m} {'pop' if m % 3 else 'rock'}"}
            | ({f"rare {r}"} if r >= 0 else set())
        )
        for b, m, r in zip(broad.tolist(), near.tolist(), rare.tolist(), strict=True)
    ]
    return pa.array(lists, pa.list_(pa.string())).take(pa.array(artist))


def _audio(scene: Ints, artist: Ints, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Audio features: neighbours on the ring sound alike, an artist's tracks more so."""
    angle = 2 * np.pi * scene / max(1, scene.max())
    found = {}
    for at, name in enumerate(c.AUDIO_FEATURES):
        own = rng.normal(0, 0.12, int(artist.max()) + 1)[artist]
        wave = 0.5 + 0.25 * np.sin((1 + at % 5) * angle + at)
        value = np.clip(wave + own + rng.normal(0, 0.1, len(scene)), 0, 1)
        if name == c.LOUDNESS:
            value = 30 * value - 30
        elif name == c.TEMPO:
            value = 60 + 140 * value
        elif name in (c.KEY, c.MODE, c.TIME_SIGNATURE):
            value = np.round(value * {c.KEY: 11, c.MODE: 1, c.TIME_SIGNATURE: 5}[name])
        found[name] = pa.array(value)
    return found
