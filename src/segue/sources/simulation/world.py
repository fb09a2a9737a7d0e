"""The simulated music itself: scenes, artists, albums and tracks as flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.sources.simulation.discography import Discography, build_discography
from segue.sources.simulation.genres import GENRES
from segue.sources.simulation.identifiers import base62, scramble
from segue.sources.simulation.names import album_names, artist_names, track_titles
from segue.sources.simulation.settings import SimulationSettings
from segue.sources.simulation.sound import Sound, build_sound

__all__ = ["MOODS", "Cells", "World", "build_world", "stage_rng"]

MOODS: Final = 3
"""Every scene is cut into this many parts from calm to lively; a session stays in or near one."""

Ints = npt.NDArray[np.int32]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cells:
    """Tracks ordered by scene and mood, so that one can be drawn from a cell by bisection.

    Args:
        order: Track of each position, int32, shape (n_tracks,).
        popular: Running sum of track weights in that order, shape (n_tracks + 1,).
        niche: The same of the square roots of the weights: for those who dig deeper.
        bounds: Cell c is positions bounds[c] to bounds[c + 1]; cell = scene * MOODS + mood.
    """

    order: Ints
    popular: Reals
    niche: Reals
    bounds: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class World:
    """Everything there is to listen to; row i of each track array is track i.

    Args:
        discography: Who made what, when, and how it hangs together.
        sound: Audio features.
        weight: How much the world listens to each track, float64, sums to 1.
        popularity: The same as Spotify tells it, int8, 0 … 100.
        mood: Place of each track between calm (0) and lively (1) within its scene, float32.
        quality: Popularity within the artist's work, about standard normal, float32.
        cells: For drawing tracks.
        scene_weight: How much of listening each scene is, sums to 1.
        scene_place: Where each scene lies in taste, float64, shape (n_scenes, 6).
        artist_name, album_name, title, track_id: Arrow strings; ids are 22 characters.
    """

    discography: Discography
    sound: Sound
    weight: Reals
    popularity: npt.NDArray[np.int8]
    mood: npt.NDArray[np.float32]
    quality: npt.NDArray[np.float32]
    cells: Cells
    scene_weight: Reals
    scene_place: Reals
    artist_name: pa.StringArray
    album_name: pa.StringArray
    title: pa.StringArray
    track_id: pa.StringArray

    @property
    def n_tracks(self) -> int:
        """How many tracks there are."""
        return len(self.weight)

    @property
    def scene_of(self) -> npt.NDArray[np.int16]:
        """Scene of each track, int16."""
        return self.discography.track_scene

    def genre_name(self, scene: int) -> str:
        """The genre that a scene belongs to."""
        return GENRES[int(self.discography.scene_genre[scene])].name


def stage_rng(seed: int, stage: int) -> np.random.Generator:
    """A generator for one stage of building the world, apart from all others."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 0x5E6E, stage])))


def build_world(settings: SimulationSettings) -> World:
    """The music of a simulated world; the same for the same seed, size and end."""
    seed = settings.seed
    end_day = settings.end_s // 86_400
    disc = build_discography(settings.tracks, end_day, stage_rng(seed, 1))
    sound = build_sound(disc, stage_rng(seed, 2))
    quality, weight = _weights(disc, stage_rng(seed, 3))
    mood = _moods(disc.track_scene, sound)
    cells = _cells(disc.track_scene, mood, weight, disc.n_scenes)
    sums = np.add.reduceat(weight[cells.order], cells.bounds[:-1:MOODS])
    artist_name, album_name, title = _names(disc, stage_rng(seed, 4))
    return World(
        discography=disc,
        sound=sound,
        weight=weight,
        popularity=_popularity(weight),
        mood=mood,
        quality=quality,
        cells=cells,
        scene_weight=sums / sums.sum(),
        scene_place=_places(disc, stage_rng(seed, 5)),
        artist_name=artist_name,
        album_name=album_name,
        title=title,
        track_id=base62(scramble(np.arange(settings.tracks, dtype=np.uint64), seed)),
    )


def _weights(
    disc: Discography, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Quality and weight of each track: its artist's Zipf share times its own luck."""
    rank = rng.permutation(disc.n_artists)
    made = np.diff(disc.artist_bounds)
    fame = (rank + 3.0) ** -0.85 * made**-0.65  # who made ten times as much is heard twice as much
    luck = rng.standard_normal(disc.n_tracks, dtype=np.float32)
    luck -= np.float32(0.9) * disc.is_reissue  # few play the reissue
    weight = fame[disc.track_artist] * np.exp(0.95 * luck.astype(np.float64))
    return luck, weight / weight.sum()


def _popularity(weight: Reals) -> npt.NDArray[np.int8]:
    rank = np.empty(len(weight), np.int64)
    rank[np.argsort(-weight, kind="stable")] = np.arange(len(weight))
    share = (rank + 1) / len(weight)
    return np.rint(97 * (1 - share**0.45)).astype(np.int8)


def _moods(scene: npt.NDArray[np.int16], sound: Sound) -> npt.NDArray[np.float32]:
    """Rank of each track's liveliness within its scene, 0 up to (not including) 1."""
    drive = sound.drive
    order = np.lexsort((drive, scene))
    sizes = np.bincount(scene)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    in_order = scene[order]
    ranks = np.arange(len(scene)) - first[in_order]
    mood = np.empty(len(scene), np.float32)
    mood[order] = (ranks + 0.5) / sizes[in_order]
    return mood


def _cells(
    scene: npt.NDArray[np.int16], mood: npt.NDArray[np.float32], weight: Reals, n_scenes: int
) -> Cells:
    cell = scene.astype(np.int64) * MOODS + np.minimum((mood * MOODS).astype(np.int64), MOODS - 1)
    order = np.argsort(cell, kind="stable").astype(np.int32)
    sizes = np.bincount(cell, minlength=n_scenes * MOODS)
    niche = np.sqrt(weight)
    return Cells(
        order=order,
        popular=np.concatenate([[0.0], np.cumsum(weight[order])]),
        niche=np.concatenate([[0.0], np.cumsum(niche[order])]),
        bounds=np.concatenate([[0], np.cumsum(sizes)]),
    )


def _places(disc: Discography, rng: np.random.Generator) -> Reals:
    """Scenes of one genre lie close together, genres of one family nearer than others."""
    families = sorted({genre.family for genre in GENRES})
    family_place = rng.standard_normal((len(families), 6))
    genre_place = 0.55 * rng.standard_normal((len(GENRES), 6))
    genre_place += family_place[[families.index(genre.family) for genre in GENRES]]
    return np.asarray(
        genre_place[disc.scene_genre] + 0.45 * rng.standard_normal((disc.n_scenes, 6))
    )


def _names(
    disc: Discography, rng: np.random.Generator
) -> tuple[pa.StringArray, pa.StringArray, pa.StringArray]:
    """Names of artists and albums and titles of tracks, reissues and features told in them."""
    styles = [GENRES[genre].style for genre in disc.artist_genre.tolist()]
    artists = artist_names(styles, rng)
    titles = track_titles(styles, disc.track_artist, rng)
    original, suffix = disc.original.tolist(), disc.reissue_suffix()
    for track in np.flatnonzero(disc.original >= 0).tolist():
        titles[track] = titles[original[track]] + suffix[track]
    for track in np.flatnonzero(disc.told_in_title).tolist():
        titles[track] += f" (feat. {artists[disc.track_guest[track]]})"
    single = np.diff(disc.album_bounds) == 1
    firsts = [titles[row] for row in disc.album_bounds[:-1].tolist()]
    albums = album_names(styles, disc.album_artist, firsts, single=single, rng=rng)
    for album, (source, label) in disc.reissued_albums().items():
        albums[album] = f"{albums[source]} ({label})"
    return (
        pa.array(artists, pa.string()),
        pa.array(albums, pa.string()),
        pa.array(titles, pa.string()),
    )
