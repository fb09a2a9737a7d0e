"""How near many tracks are to a few, by sound and genres, as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["nearness_to", "places_among"]

Reals = npt.NDArray[np.float64]

Sound = tuple[float, ...] | None
Genres = tuple[str, ...]


def nearness_to(
    tracks: Sequence[tuple[Sound, Genres]],
    others: Sequence[tuple[Sound, Genres]],
    *,
    sound: float,
    genre: float,
    nearest: int,
) -> list[float]:
    """Mean closeness of every track to those of the others that are nearest to it, 0 … 1.

    Closeness is the weighted mean of two numbers: 1 for the same sound and 0 from half the scale
    apart on (root mean square); shared genres over all genres of the two (Jaccard 1912). What is
    unknown on one side does not count; where nothing is known on both, it is 0.

    Args:
        tracks: Of each its audio features, scaled to 0 … 1, or None, and its genres.
        sound, genre: Weights.
        nearest: How many of the others count, at least 1.
    """
    alike, known = _sounds(tracks, others)
    total, weight = sound * alike, sound * known
    jaccard, both = _genres(tracks, others)
    total += genre * jaccard
    weight = weight + genre * both
    found = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    best = -np.partition(-found, nearest - 1, axis=1)[:, :nearest]
    best[:, ::-1].sort(axis=1)
    # column by column, so that the sum is that of the numbers in their order
    means: list[float] = (sum(best.T, np.zeros(len(best))) / nearest).tolist()
    return means


def _sounds(
    tracks: Sequence[tuple[Sound, Genres]], others: Sequence[tuple[Sound, Genres]]
) -> tuple[Reals, Reals]:
    mine, have = _matrix([sound for sound, _ in tracks])
    theirs, has = _matrix([sound for sound, _ in others])
    known = np.outer(have, has).astype(np.float64)
    n_features = max(mine.shape[1], theirs.shape[1])
    if not mine.shape[1] or not theirs.shape[1]:
        return np.zeros(known.shape), known
    apart = np.sqrt(((mine[:, None, :] - theirs[None, :, :]) ** 2).sum(axis=2) / n_features)
    return np.maximum(0.0, 1.0 - 2.0 * apart) * known, known


def _matrix(sounds: Sequence[Sound]) -> tuple[Reals, npt.NDArray[np.bool_]]:
    width = max((len(sound) for sound in sounds if sound), default=0)
    blank = (0.0,) * width
    full = np.array([sound or blank for sound in sounds], dtype=np.float64)
    return full.reshape(len(sounds), width), np.array([bool(sound) for sound in sounds], dtype=bool)


def _genres(
    tracks: Sequence[tuple[Sound, Genres]], others: Sequence[tuple[Sound, Genres]]
) -> tuple[Reals, Reals]:
    """Jaccard of all pairs, once for each distinct set of genres; and which pairs have genres."""
    sets = {genres: at for at, genres in enumerate(dict.fromkeys(g for _, g in tracks))}
    names = {name: at for at, name in enumerate({n: 0 for _, g in others for n in g})}
    theirs = np.zeros((len(others), len(names)))
    for at, (_, genres) in enumerate(others):
        theirs[at, [names[name] for name in genres]] = 1
    mine = np.zeros((len(sets), len(names)))
    for genres, at in sets.items():
        mine[at, [names[name] for name in genres if name in names]] = 1
    common = mine @ theirs.T
    sizes = np.array([len(genres) for genres in sets], dtype=np.float64)
    lengths = theirs.sum(axis=1)
    together = sizes[:, None] + lengths[None, :] - common
    jaccard = np.divide(common, together, out=np.zeros_like(common), where=common > 0)
    place = np.array([sets[genres] for _, genres in tracks], dtype=np.int64)
    both = np.outer(sizes > 0, lengths > 0).astype(np.float64)
    return jaccard[place], both[place]


def places_among(values: Sequence[float | None]) -> list[float]:
    """The share of known values below each one, ties in the middle; ½ where nothing is known."""
    full = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    known = np.sort(full[~np.isnan(full)])
    if len(known) < 2:
        return [0.5] * len(values)
    below = np.searchsorted(known, full, side="left") + np.searchsorted(known, full, side="right")
    places: list[float] = np.where(np.isnan(full), 0.5, below / (2 * len(known))).tolist()
    return places
