"""Who made what and when: scenes, artists, albums, tracks, guests and reissues."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.sources.simulation.genres import GENRES

__all__ = ["Discography", "build_discography"]

Ints = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

_ALBUM_SIZES: Final = np.array([1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 16, 20])
_ALBUM_ODDS: Final = np.array([30, 6, 5, 6, 4, 5, 6, 9, 8, 8, 5, 4, 3, 1.0])
_DAYS_A_YEAR: Final = 365.2425
_EPOCH_YEAR: Final = 1970


@dataclass(frozen=True)
class Discography:
    """The skeleton of the world. Tracks are sorted by artist, then release, then number.

    Args:
        scene_genre: Genre of each scene, int16.
        artist_scene: Home scene of each artist, int16.
        artist_genre: Genre of each artist, int16; artist_second: a further one, or -1.
        artist_bounds: Artist a made tracks artist_bounds[a] to artist_bounds[a + 1].
        album_artist: Artist of each album. album_bounds: its tracks, likewise.
        album_day: Day of release, days since 1970-01-01.
        track_artist, track_album: int32. duration_ms: int32. explicit: bool.
        track_guest: A featured artist, or -1. told_in_title: whether the title names the guest.
        original: The track this one repeats (a remaster or a live take), or -1.
        is_live: A live take.
    """

    scene_genre: npt.NDArray[np.int16]
    artist_scene: npt.NDArray[np.int16]
    artist_second: npt.NDArray[np.int16]
    artist_bounds: Ints
    album_artist: Ints
    album_bounds: Ints
    album_day: Ints
    track_artist: Ints
    track_album: Ints
    duration_ms: Ints
    explicit: Flags
    track_guest: Ints
    told_in_title: Flags
    original: Ints
    is_live: Flags

    @property
    def n_scenes(self) -> int:
        """Scenes: circles of taste finer than a genre."""
        return len(self.scene_genre)

    @property
    def n_artists(self) -> int:
        """Artists."""
        return len(self.artist_scene)

    @property
    def n_albums(self) -> int:
        """Albums, singles included."""
        return len(self.album_artist)

    @property
    def n_tracks(self) -> int:
        """Tracks."""
        return len(self.track_artist)

    @cached_property
    def artist_genre(self) -> npt.NDArray[np.int16]:
        """Genre of each artist."""
        return self.scene_genre[self.artist_scene]

    @cached_property
    def track_scene(self) -> npt.NDArray[np.int16]:
        """Scene of each track: its artist's."""
        return self.artist_scene[self.track_artist]

    @cached_property
    def track_day(self) -> Ints:
        """Day of release of each track, days since 1970-01-01."""
        return self.album_day[self.track_album]

    @cached_property
    def is_reissue(self) -> Flags:
        """Tracks that repeat another."""
        return self.original >= 0

    def reissue_suffix(self) -> dict[int, str]:
        """What the title of each reissued track says after its old title."""
        tracks = np.flatnonzero(self.is_reissue)
        years = (self.track_day[tracks] / _DAYS_A_YEAR + _EPOCH_YEAR).astype(int).tolist()
        suffix: dict[int, str] = {}
        for track, year, live in zip(
            tracks.tolist(), years, self.is_live[tracks].tolist(), strict=True
        ):
            forms = (f" - Remastered {year}", f" - {year} Remaster", " (Remastered)")
            suffix[track] = " - Live" if live else forms[track % 97 % 3]
        return suffix

    def reissued_albums(self) -> dict[int, tuple[int, str]]:
        """Reissue -> (the album it repeats, its label), in order of release."""
        tracks = np.flatnonzero(self.is_reissue)
        albums, firsts = np.unique(self.track_album[tracks], return_index=True)
        sources = self.track_album[self.original[tracks[firsts]]]
        live = self.is_live[tracks[firsts]]
        rows = zip(albums.tolist(), sources.tolist(), live.tolist(), strict=True)
        labels = ("Deluxe Edition", "Remastered", "Anniversary Edition")
        return {a: (source, "Live" if alive else labels[a % 3]) for a, source, alive in rows}


def build_discography(n_tracks: int, end_day: int, rng: np.random.Generator) -> Discography:
    """A discography of exactly `n_tracks` tracks, none released after `end_day`."""
    artist_bounds = _split(n_tracks, rng)
    n_artists = len(artist_bounds) - 1
    scene_genre, artist_scene = _scenes(n_artists, n_tracks, rng)
    genre = scene_genre[artist_scene]
    track_artist = np.repeat(np.arange(n_artists, dtype=np.int32), np.diff(artist_bounds))
    album_bounds, album_artist = _albums(artist_bounds, track_artist, rng)
    sizes = np.diff(album_bounds)
    track_album = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    original, is_live = _reissues(album_bounds, album_artist, rng)
    guest, told = _guests(track_artist, artist_scene, rng)
    return Discography(
        scene_genre=scene_genre,
        artist_scene=artist_scene,
        artist_second=_second_genres(genre, rng),
        artist_bounds=artist_bounds,
        album_artist=album_artist,
        album_bounds=album_bounds,
        album_day=_release_days(album_artist, genre, end_day, rng),
        track_artist=track_artist,
        track_album=track_album,
        duration_ms=_durations(genre[track_artist], original, rng),
        explicit=_explicit(genre[track_artist], rng),
        track_guest=np.where(original >= 0, np.int32(-1), guest),
        told_in_title=told & (guest >= 0) & (original < 0),
        original=original,
        is_live=is_live,
    )


def _split(n_tracks: int, rng: np.random.Generator) -> Ints:
    """Bounds of the artists' tracks: most made a few, some very many."""
    drawn = np.exp(1.95 + 0.95 * rng.standard_normal(n_tracks // 4 + 50))
    sizes = np.clip(drawn.astype(np.int64), 1, max(4, min(160, n_tracks // 20)))
    ends = np.cumsum(sizes)
    ends = ends[: np.searchsorted(ends, n_tracks) + 1]
    ends[-1] = n_tracks
    return np.concatenate([[0], ends]).astype(np.int32)


def _scenes(
    n_artists: int, n_tracks: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """Genre of each scene and scene of each artist; scenes that stay empty are left out."""
    share = np.array([genre.weight for genre in GENRES])
    share = share / share.sum()
    wanted = int(np.clip(n_tracks // 300, 12, 400))
    per_genre = np.maximum(1, np.rint(share * wanted)).astype(np.int64)
    scene_genre = np.repeat(np.arange(len(GENRES)), per_genre)
    weight = share[scene_genre] / per_genre[scene_genre]
    weight = weight * np.exp(0.5 * rng.standard_normal(len(weight)))
    chosen = rng.choice(len(weight), n_artists, p=weight / weight.sum())
    used, artist_scene = np.unique(chosen, return_inverse=True)
    return scene_genre[used].astype(np.int16), artist_scene.astype(np.int16)


def _albums(artist_bounds: Ints, track_artist: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Bounds and artists of the albums: sizes drawn in a row, cut where an artist ends."""
    n_tracks = len(track_artist)
    odds = _ALBUM_ODDS / _ALBUM_ODDS.sum()
    sizes = rng.choice(_ALBUM_SIZES, n_tracks // 3 + 40, p=odds)
    cuts = np.cumsum(sizes)
    bounds = np.union1d(artist_bounds, cuts[cuts < n_tracks]).astype(np.int32)
    return bounds, track_artist[bounds[:-1]]


def _release_days(
    album_artist: Ints, artist_genre: npt.NDArray[np.int16], end_day: int, rng: np.random.Generator
) -> Ints:
    """Albums spread over their artist's active years, in order, none later than the end."""
    n_artists = len(artist_genre)
    middle = np.array([genre.year[0] for genre in GENRES])[artist_genre]
    spread = np.array([genre.year[1] for genre in GENRES])[artist_genre]
    end_year = end_day / _DAYS_A_YEAR + _EPOCH_YEAR
    debut = np.clip(middle + spread * rng.standard_normal(n_artists), 1948, end_year - 0.5)
    career = np.minimum(rng.gamma(1.8, 6.0, n_artists) + 0.4, end_year - debut - 0.05)
    counts = np.bincount(album_artist, minlength=n_artists)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    nth = np.arange(len(album_artist)) - first[album_artist]
    at = (nth + rng.random(len(album_artist))) / counts[album_artist]
    year = debut[album_artist] + at * career[album_artist]
    days = np.floor((year - _EPOCH_YEAR) * _DAYS_A_YEAR)
    return np.asarray(np.minimum(days, end_day - 7), np.int32)


def _reissues(
    album_bounds: Ints, album_artist: Ints, rng: np.random.Generator
) -> tuple[Ints, Flags]:
    """Tracks of later albums that repeat an earlier album of the artist, remastered or live."""
    n_tracks = int(album_bounds[-1])
    sizes = np.diff(album_bounds)
    original = np.full(n_tracks, -1, np.int32)
    is_live = np.zeros(n_tracks, np.bool_)
    before = np.arange(len(sizes)) - 2  # the album before the last one
    odds = rng.random(len(sizes))
    fit = (before >= 0) & (sizes >= 4) & (odds < 0.16)
    fit[fit] &= album_artist[before[fit]] == album_artist[fit]
    fit[fit] &= sizes[before[fit]] >= 4
    taken = np.zeros(len(sizes), np.bool_)
    for album in np.flatnonzero(fit).tolist():
        source = album - 2
        if taken[source]:
            continue  # a reissue of a reissue would be one suffix too many
        taken[album] = True
        n = min(int(sizes[album]), int(sizes[source]))
        start, origin = int(album_bounds[album]), int(album_bounds[source])
        original[start : start + n] = np.arange(origin, origin + n)
        is_live[start : start + n] = odds[album] < 0.05
    return original, is_live


def _guests(
    track_artist: Ints, artist_scene: npt.NDArray[np.int16], rng: np.random.Generator
) -> tuple[Ints, Flags]:
    """A guest on some tracks, mostly from the same scene, and whether the title says so."""
    n = len(track_artist)
    by_scene = np.argsort(artist_scene, kind="stable").astype(np.int32)
    place = np.empty(len(by_scene), np.int64)
    place[by_scene] = np.arange(len(by_scene))
    step = 1 + rng.integers(0, 6, n)
    guest = by_scene[(place[track_artist] + step) % len(by_scene)]
    has = (rng.random(n) < 0.08) & (guest != track_artist)
    return np.where(has, guest, np.int32(-1)), rng.random(n) < 0.5


def _second_genres(genre: npt.NDArray[np.int16], rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """A second genre of the same family for a quarter of the artists, else -1."""
    families = [item.family for item in GENRES]
    near = [
        [other for other, family in enumerate(families) if family == item.family and other != own]
        for own, item in enumerate(GENRES)
    ]
    width = max(len(row) for row in near)
    table = np.array([(row * width)[:width] if row else [-1] * width for row in near], np.int16)
    chosen = table[genre, rng.integers(0, width, len(genre))]
    return np.where(rng.random(len(genre)) < 0.26, chosen, np.int16(-1)).astype(np.int16)


def _durations(
    track_genre: npt.NDArray[np.int16], original: Ints, rng: np.random.Generator
) -> Ints:
    minutes = np.array([genre.minutes for genre in GENRES])[track_genre]
    drawn = minutes * 60_000 * np.exp(0.24 * rng.standard_normal(len(minutes)))
    duration: Ints = np.clip(drawn, 35_000, 1_500_000).astype(np.int32)
    copies = np.flatnonzero(original >= 0)
    shift = rng.integers(-2500, 2500, len(copies))
    duration[copies] = np.maximum(35_000, duration[original[copies]] + shift)
    return duration


def _explicit(track_genre: npt.NDArray[np.int16], rng: np.random.Generator) -> Flags:
    odds = np.array([genre.explicit for genre in GENRES])[track_genre]
    return np.asarray(rng.random(len(odds)) < odds)
