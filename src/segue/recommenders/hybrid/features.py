"""Candidates as rows of numbers: who proposed them, what they are, what the listener did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import DAY
from segue.features.training_data import TrainingData
from segue.recommenders.hybrid.blend import nearness
from segue.recommenders.hybrid.listener import Who, genres_at, sound_at
from segue.recommenders.hybrid.proposals import ABSENT, Proposals

__all__ = ["Background", "background", "directions", "feature_names", "table"]

_DECAYS: Final = (0.3, 0.5, 0.8, 1.2)
_WINDOWS: Final = (2, 7, 30, 90)
_NEVER: Final = 1e4  # days
_UNKNOWN: Final = -1.0

_OWN: Final = (
    *(f"activation_{decay:g}" for decay in _DECAYS),
    *(f"plays_{days}_days" for days in _WINDOWS),
    "plays",
    "finished_share",
    "skipped_share",
    "days_since_last",
    "days_since_first",
)
_ARTIST: Final = (
    "artist_known",
    "artist_plays",
    "artist_plays_month",
    "artist_tracks",
    "artist_days_since_last",
)
_TRACK: Final = (
    "popularity",
    "listeners",
    "trend",
    "rising",
    "year",
    "years_from_taste",
    "energy",
    "valence",
    "mood_distance",
    "sound_distance",
    "genre",
    "genre_mean",
    "recent_genre",
)
_WHO: Final = (
    "log_plays",
    "log_tracks",
    "log_days",
    "lately",
    "novelty",
    "skip_rate",
    "days_away",
    "hour",
    "weekday",
)

_UPWARD: Final = (
    "blend",
    "proposers",
    "activation_",
    "plays",
    "artist_known",
    "artist_plays",
    "genre",
    "recent_genre",
)
_DOWNWARD: Final = (
    "skipped_share",
    "days_since_last",
    "mood_distance",
    "sound_distance",
    "years_from_taste",
)

Rows = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Background:
    """What is known of every track from everybody, as of a training.

    Args:
        listeners: float32 log1p of how many listen to it, shape (n_tracks,).
        trend: float32 log1p of faded plays of everybody, shape (n_tracks,).
    """

    listeners: npt.NDArray[np.float32]
    trend: npt.NDArray[np.float32]


def background(data: TrainingData) -> Background:
    """Count."""
    n_tracks = len(data.catalogue)
    counts = np.bincount(data.interactions.matrix.indices, minlength=n_tracks)
    return Background(np.log1p(counts).astype(np.float32), np.log1p(data.trend))


def feature_names(ingredients: Sequence[str]) -> tuple[str, ...]:
    """The columns of `table`; those of an ingredient are "<name>:near" and "<name>:level"."""
    proposed = [f"{name}:{what}" for name in ingredients for what in ("near", "level")]
    return (*proposed, "blend", "proposers", *_OWN, *_ARTIST, *_TRACK, *_WHO)


def directions(names: Sequence[str]) -> tuple[int, ...]:
    """Which way each feature may move a score: 1 up, -1 down, 0 either; few weeks teach little."""
    return tuple(
        1 if ":" in name or name.startswith(_UPWARD) else -1 if name in _DOWNWARD else 0
        for name in names
    )


def table(
    proposed: Proposals, blend: Reals, person: Who, *, catalogue: Catalogue, known: Background
) -> Reals:
    """The numbers of every candidate, float64, no NaN, shape (n, len(feature_names(…)))."""
    rows = proposed.rows
    near = nearness(proposed)
    pairs = np.stack([near, proposed.levels], axis=2).reshape(len(rows), 2 * len(proposed.names))
    proposers = (proposed.places < ABSENT).sum(axis=1)
    facts = np.broadcast_to([person.facts[name] for name in _WHO], (len(rows), len(_WHO)))
    blocks = [
        pairs,
        blend[:, None],
        proposers[:, None],
        _own(rows, person),
        _artist(rows, person, catalogue),
        _track(rows, person, catalogue, known),
        facts,
    ]
    full = np.concatenate(blocks, axis=1).astype(np.float64)
    return np.where(np.isfinite(full), full, _UNKNOWN)


def _own(rows: Rows, person: Who) -> Reals:
    """What the listener did with each of the tracks."""
    heard = person.heard
    found = np.full((len(rows), len(_OWN)), _UNKNOWN)
    at = np.searchsorted(heard.rows, rows)
    at[at == len(heard)] = 0
    mine = np.flatnonzero(heard.rows[at] == rows) if len(heard) else np.empty(0, np.int64)
    if not len(mine):
        return found
    place = np.full(len(heard), -1)
    place[at[mine]] = np.arange(len(mine))
    plays = np.flatnonzero((place[heard.play_of] >= 0) & heard.play_counted)
    owner = place[heard.play_of[plays]]
    ages = (person.now - heard.play_at[plays]) / DAY
    log_ages = np.log(np.maximum(ages, 1.0))

    def summed(weights: Reals) -> Reals:
        return np.bincount(owner, weights=weights, minlength=len(mine)).astype(np.float64)

    active = [np.log(np.maximum(summed(np.exp(-d * log_ages)), 1e-6)) for d in _DECAYS]
    within = [np.log1p(summed((ages <= days).astype(np.float64))) for days in _WINDOWS]
    first = np.zeros(len(mine))
    np.maximum.at(first, owner, ages)
    counts, touched = heard.plays[at[mine]], (heard.plays + heard.skips)[at[mine]]
    found[mine] = np.stack(
        [
            *active,
            *within,
            np.log1p(counts),
            heard.finishes[at[mine]] / np.maximum(counts, 1),
            heard.skips[at[mine]] / np.maximum(touched, 1),
            np.log1p(np.maximum(person.now - heard.last_at[at[mine]], 0) / DAY),
            np.log1p(np.maximum(first, 0)),
        ],
        axis=1,
    )
    return found


def _artist(rows: Rows, person: Who, catalogue: Catalogue) -> Reals:
    """What the listener did with the artists of the tracks."""
    artists = person.artists
    at = artists.place(catalogue.artist_codes[rows])
    away = np.minimum((person.now - artists.last_at[at]) / DAY, _NEVER)
    return np.stack(
        [
            artists.plays[at] > 0,
            np.log1p(artists.plays[at]),
            np.log1p(artists.recent[at]),
            np.log1p(artists.tracks[at]),
            np.log1p(np.maximum(away, 0)),
        ],
        axis=1,
    )


def _track(rows: Rows, person: Who, catalogue: Catalogue, known: Background) -> Reals:
    """What the tracks are, and how near that is to the listener's taste."""
    sound, taste = sound_at(catalogue, rows), person.sound
    distance = np.abs(sound - taste.mean)
    far = np.where(np.isfinite(distance), distance, 0)
    counted = np.maximum(np.isfinite(distance).sum(axis=1), 1)
    years = catalogue.years[rows].astype(np.float64)
    owner, codes = genres_at(catalogue, rows)
    lengths = np.maximum(np.bincount(owner, minlength=len(rows)), 1)
    best_genre, best_recent = np.zeros(len(rows)), np.zeros(len(rows))
    np.maximum.at(best_genre, owner, person.genres[codes])
    np.maximum.at(best_recent, owner, person.recent_genres[codes])
    listeners, trend = known.listeners[rows], known.trend[rows]
    return np.stack(
        [
            catalogue.popularity[rows],
            listeners,
            trend,
            trend - listeners,
            years,
            np.abs(years - taste.year),
            sound[:, 0],
            sound[:, 1],
            np.hypot(distance[:, 0], distance[:, 1]),
            np.where(np.isfinite(distance).any(axis=1), far.sum(axis=1) / counted, np.nan),
            best_genre,
            np.bincount(owner, weights=person.genres[codes], minlength=len(rows)) / lengths,
            best_recent,
        ],
        axis=1,
    )
