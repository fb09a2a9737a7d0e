"""How near tracks are to one another, by artists, sound and genres, all pairs at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segue.features.sheet import SOUND, Codes, Sheet

__all__ = [
    "closeness",
    "familiarity",
    "first_of_each",
    "jumps",
    "places_among",
    "same_artist",
    "varied",
    "within_cap",
]

_ENERGY = tuple(SOUND).index("energy")
_VALENCE = tuple(SOUND).index("valence")
_GENRE, _SOUND = 0.4, 0.6

Reals = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def closeness(sheet: Sheet, *, artist: float, genre: float, sound: float) -> Reals:
    """The weighted mean of shared artist, shared genres and near sound, shape (n, n).

    What is unknown on one side does not count. Shared genres are over all genres of the two
    (Jaccard 1912); sound is 1 for the same and 0 from half the scale apart on.
    """
    total = artist * same_artist(sheet)
    weight = np.full(total.shape, artist)
    for share, (near, known) in ((genre, _genres(sheet, sheet)), (sound, _sounds(sheet, sheet))):
        total += share * near
        weight += share * known
    return np.asarray(np.divide(total, weight, out=np.zeros_like(total), where=weight > 0))


def same_artist(sheet: Sheet) -> Mask:
    """Which pairs have somebody credited on both, shape (n, n)."""
    owner, artists = sheet.artists
    if len(owner) == len(sheet) and (np.diff(owner) == 1).all():  # one on each
        return np.asarray(artists[:, None] == artists[None, :])
    held, _ = _held(sheet.artists, len(sheet), sheet.artists, len(sheet))
    return np.asarray(held @ held.T > 0)


def varied(
    sheet: Sheet,
    values: Sequence[float],
    size: int,
    *,
    relevance: float,
    weights: tuple[float, float, float],
) -> list[int]:
    """Places by maximal marginal relevance, as they are picked; ties go by place.

    Carbonell and Goldstein (1998), see `Diversify`. Closeness takes `1 - relevance` away at most,
    so that what is worth less by more than that than the last of the best is never looked at.

    Args:
        values: Relevance times scores from 0 to 1, shape (n,).
        weights: Of artist, genre and sound in how close two tracks are.
    """
    worth = np.array(values, dtype=np.float64)
    if not size or not len(worth):
        return []
    bar = np.sort(worth)[-min(size, len(worth))] - (1 - relevance) - 1e-9
    some = np.flatnonzero(worth >= bar)
    artist, genre, sound = weights
    near = closeness(sheet.take(some), artist=artist, genre=genre, sound=sound)
    near *= 1 - relevance
    left, nearest = worth[some], np.zeros(len(some))
    picked: list[int] = []
    for _ in range(min(size, len(some))):
        place = int(np.argmax(left - nearest))
        picked.append(int(some[place]))
        np.maximum(nearest, near[place], out=nearest)
        left[place] = -np.inf
    return picked


def first_of_each(codes: Codes, n_tracks: int) -> list[int]:
    """Places of the tracks none of whose codes stands at an earlier place."""
    owner, values = codes
    order = np.argsort(values, kind="stable")
    again = np.zeros(len(order), bool)
    again[1:] = values[order[1:]] == values[order[:-1]]
    fresh = np.ones(n_tracks, bool)
    fresh[owner[order[again]]] = False
    places: list[int] = np.flatnonzero(fresh).tolist()
    return places


def within_cap(codes: Codes, n_tracks: int, most: int) -> list[int]:
    """Places of tracks, each code in at most so many of them, the earlier ones first."""
    owner, values = codes
    if len(owner) != n_tracks or (np.diff(owner) != 1).any():
        return _within_cap(codes, n_tracks, most)
    order = np.argsort(values, kind="stable")  # one for each track: no choice depends on another
    ordered = values[order]
    place = np.arange(n_tracks) - np.searchsorted(ordered, ordered)
    places: list[int] = np.sort(order[place < most]).tolist()
    return places


def _within_cap(codes: Codes, n_tracks: int, most: int) -> list[int]:
    tracks: list[list[int]] = [[] for _ in range(n_tracks)]
    for place, code in zip(codes[0].tolist(), codes[1].tolist(), strict=True):
        tracks[place].append(code)
    count: Counter[int] = Counter()
    full: set[int] = set()
    places = []
    for place, held in enumerate(tracks):
        if full.isdisjoint(held):
            places.append(place)
            count.update(held)
            full.update(code for code in held if count[code] >= most)
    return places


def jumps(sheet: Sheet) -> Reals:
    """How hard the cut from one track to another is: 0 goes on as before, shape (n, n).

    Energy, mood and tempo, on a logarithmic scale since 60 to 120 is as far as 70 to 140, and
    genres. What is unknown is half a cut.
    """
    sound, tempo = sheet.sound, np.log2(np.where(sheet.tempo > 0, sheet.tempo, np.nan))

    def apart(values: Reals) -> Reals:
        return np.abs(values[:, None] - values[None, :])

    heard = apart(sound[:, _ENERGY]) + 0.5 * apart(sound[:, _VALENCE])
    heard += 0.7 * np.minimum(1.0, apart(tempo))
    shared, known = _genres(sheet, sheet)
    return np.where(np.isnan(heard), 0.5, heard) + 0.3 * (1 - np.where(known > 0, shared, 0.5))


def familiarity(sheet: Sheet, favourites: Sheet, known: Sequence[bool]) -> Reals:
    """How familiar each track is beside the others, 0 … 1, shape (n,); see `Dial`.

    Args:
        favourites: Tracks that stand for a taste; none: nearness does not count.
        known: Whether the user knows an artist of each.
    """
    heard = np.array(known, dtype=np.float64)
    return (heard + _fame(sheet) + places_among(_nearness_to(sheet, favourites))) / 3


def places_among(values: Reals) -> Reals:
    """The share of known values below each one, ties in the middle; ½ where unknown (NaN)."""
    known = np.sort(values[~np.isnan(values)])
    if len(known) < 2:
        return np.full(len(values), 0.5)
    below = np.searchsorted(known, values, side="left") + np.searchsorted(
        known, values, side="right"
    )
    return np.where(np.isnan(values), 0.5, below / (2 * len(known)))


def _fame(sheet: Sheet) -> Reals:
    """How popular each is among these: by catalogue, by crowd, or the mean of both."""
    crowd = np.where(sheet.listeners > 0, sheet.listeners, np.nan)
    one, other = places_among(sheet.popularity), places_among(crowd)
    rated, heard = ~np.isnan(sheet.popularity), ~np.isnan(crowd)
    return np.where(rated & heard, (one + other) / 2, np.where(rated, one, other))


def _nearness_to(sheet: Sheet, others: Sheet) -> Reals:
    """Mean closeness to the fifth of the others that is nearest, NaN where nothing is known.

    So that a wide taste has several homes.
    """
    if not len(others):
        return np.full(len(sheet), np.nan)
    alike, sounds = _sounds(sheet, others)
    jaccard, genres = _genres(sheet, others)
    total, weight = _SOUND * alike + _GENRE * jaccard, _SOUND * sounds + _GENRE * genres
    near = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    count = max(1, len(others) // 5)
    best = np.sort(np.partition(near, len(others) - count, axis=1)[:, len(others) - count :])
    has = ~np.isnan(sheet.sound[:, 0])
    has[sheet.genres[0]] = True
    return np.where(has, best[:, ::-1].mean(axis=1), np.nan)


def _sounds(sheet: Sheet, others: Sheet) -> tuple[Reals, Reals]:
    """1 for the same sound, 0 from half the scale apart on; and which pairs have one, as 0 and 1.

    The distance is a root mean square.
    """
    mine, theirs = sheet.sound, others.sound
    apart = np.zeros((len(mine), len(theirs)))
    for one, other in zip(mine.T, theirs.T, strict=True):
        gap = one[:, None] - other[None, :]
        gap *= gap
        apart += gap
    near = 1.0 - 2.0 * np.sqrt(apart / mine.shape[1])
    known = ~np.isnan(near)
    return np.where(known, np.maximum(near, 0.0), 0.0), known.astype(np.float64)


def _genres(sheet: Sheet, others: Sheet) -> tuple[Reals, Reals]:
    """Jaccard of all pairs; and which have genres on both sides, as 0 and 1."""
    mine, theirs = _held(sheet.genres, len(sheet), others.genres, len(others))
    common = mine @ theirs.T
    sizes = np.bincount(sheet.genres[0], minlength=len(sheet))
    lengths = np.bincount(others.genres[0], minlength=len(others))
    together = sizes[:, None] + lengths[None, :] - common
    jaccard = np.divide(common, together, out=np.zeros_like(common), where=common > 0)
    return jaccard, np.outer(sizes > 0, lengths > 0).astype(np.float64)


def _held(mine: Codes, n_mine: int, theirs: Codes, n_theirs: int) -> tuple[Reals, Reals]:
    """Who holds which of the codes that any of the others has, as 0 and 1; tracks × codes."""
    codes, column = np.unique(theirs[1], return_inverse=True)
    one, other = np.zeros((n_mine, len(codes))), np.zeros((n_theirs, len(codes)))
    other[theirs[0], column] = 1.0
    if mine is theirs:
        return other, other
    if len(codes):
        place = np.minimum(np.searchsorted(codes, mine[1]), len(codes) - 1)
        shared = codes[place] == mine[1]
        one[mine[0][shared], place[shared]] = 1.0
    return one, other
