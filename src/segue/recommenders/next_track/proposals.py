"""Which tracks may come next in each session, and what the first stage says of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from segue.features.training_data import Sessions
from segue.recommenders.next_track.memory import Memory
from segue.recommenders.next_track.pairs import Near
from segue.recommenders.next_track.prefixes import Plays
from segue.recommenders.ranking import steadied
from segue.recommenders.top_rows import top_of_sparse

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["Found", "Gathered", "Proposals", "proposals"]

_BY_ORDER: Final = 120
_BY_COMPANY: Final = 80
_BY_VOTES: Final = 80
_FEW: Final = 40
_SCORED: Final = 10
_DAMPED: Final = 0.6

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Gathered:
    """The runs of `TrackPairs` of the tracks that some prefixes hold.

    Args:
        tracks: Distinct tracks of the prefixes, ascending.
        offsets: Run of tracks[i] is offsets[i]:offsets[i + 1].
        columns: Second track of each pair.
        counts: Shape (n_pairs, 8).
    """

    tracks: Rows
    offsets: Rows
    columns: Rows
    counts: Floats

    def total(self, values: Floats) -> Floats:
        """The sum over each track's run of one value a pair, shape (len(tracks),)."""
        found = np.bincount(self.owner, weights=values, minlength=len(self.tracks))
        return found.astype(np.float32)

    @cached_property
    def owner(self) -> Rows:
        """Position in `tracks` of each pair's first track."""
        return np.repeat(np.arange(len(self.tracks)), np.diff(self.offsets))

    @cached_property
    def keys(self) -> Rows:
        """Owner and column in one number, ascending."""
        return self.owner * self.width + self.columns

    @property
    def width(self) -> int:
        """More than any column."""
        return 1 << 32

    def look_up(self, place: Rows, column: Rows) -> Rows:
        """Where the pair (tracks[place], column) is; the number of pairs where it is not."""
        wanted = place * self.width + column
        found = np.searchsorted(self.keys, wanted)
        same = self.keys[np.minimum(found, len(self.keys) - 1)] == wanted if len(self.keys) else 0
        return np.where(same, found, len(self.keys))


@dataclass(frozen=True)
class Found:
    """What one source says: for each prefix some tracks and their scores, as a sparse matrix."""

    keys: Rows
    scores: Floats

    def of(self, keys: Rows) -> Floats:
        """The score of each key, 0 where the source says nothing."""
        if not len(self.keys):
            return np.zeros(len(keys), np.float32)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, self.scores[place], np.float32(0))


@dataclass(frozen=True)
class Proposals:
    """Candidates of a block of prefixes.

    Args:
        plays: The prefixes.
        row: Prefix of each candidate, ascending.
        track: The candidate, ascending within a prefix.
        gathered: Pairs of the tracks of the prefixes.
        sources: Scores of each source for each candidate, by name.
    """

    plays: Plays
    row: Rows
    track: Rows
    gathered: Gathered
    sources: dict[str, Floats]


def proposals(
    memory: Memory, prefixes: Sessions, usable: npt.NDArray[np.bool_] | None = None
) -> Proposals:
    """The best of each source, the prefix's own tracks, and favourites where that is little.

    Args:
        usable: Tracks that may be answered, shape (n_tracks,); None means all.
    """
    plays = Plays.of(prefixes)
    gathered = _gathered(memory, plays)
    n = memory.n_tracks
    scored = {
        "order": (_by_order(memory, plays, gathered), _BY_ORDER),
        "company": (_by_company(memory, plays, gathered), _BY_COMPANY),
        "votes": (memory.voters.votes(prefixes), _BY_VOTES),
    }
    parts = [plays.row * n + plays.track]
    for scores, most in scored.values():
        if usable is not None:
            scores.data[~usable[scores.indices]] = 0
            scores.eliminate_zeros()
        top = top_of_sparse(scores, most).tracks
        row, place = np.nonzero(top >= 0)
        parts.append(row * n + top[row, place])
    keys = np.unique(np.concatenate(parts))
    few = np.flatnonzero(np.bincount(keys // max(n, 1), minlength=plays.n) < _FEW)
    more = (few[:, None] * n + memory.favourites[None, :]).ravel()
    keys = np.unique(np.concatenate([keys, more]))
    if usable is not None:
        keys = keys[usable[keys % max(n, 1)]]
    sources = {name: _found(scores, n).of(keys) for name, (scores, _) in scored.items()}
    row, track = np.divmod(keys, max(n, 1))
    return Proposals(plays, row, track, gathered, sources)


def _gathered(memory: Memory, plays: Plays) -> Gathered:
    pairs = memory.pairs
    tracks = np.unique(plays.track)
    begins = pairs.offsets[tracks]
    lengths = pairs.offsets[tracks + 1] - begins
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    index = np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], lengths)
    return Gathered(
        tracks=tracks,
        offsets=offsets,
        columns=pairs.columns[index].astype(np.int64),
        counts=np.asarray(pairs.counts[index]),
    )


def _by_order(memory: Memory, plays: Plays, gathered: Gathered) -> sp.csr_array:
    """What comes after, and less what comes before, the last tracks; the last weighs most."""
    counts = gathered.counts
    values = counts[:, Near.AFTER] + 0.5 * counts[:, Near.BEFORE]
    return _product(memory, plays, gathered, values, 1.0)


def _by_company(memory: Memory, plays: Plays, gathered: Gathered) -> sp.csr_array:
    """What is played in the same sessions, in whatever order."""
    return _product(memory, plays, gathered, gathered.counts[:, Near.TOGETHER], 0.5)


def _product(
    memory: Memory, plays: Plays, gathered: Gathered, values: Floats, fading: float
) -> sp.csr_array:
    import scipy.sparse as sp

    totals = gathered.total(values)
    damped = values / np.maximum(totals, 1e-6)[gathered.owner] ** _DAMPED
    n = memory.n_tracks
    beside = sp.csr_array(
        (damped.astype(np.float32), gathered.columns, gathered.offsets), (len(gathered.tracks), n)
    )
    mine = plays.age < _SCORED
    weight = (1 / (1 + plays.age[mine])) ** fading
    place = np.searchsorted(gathered.tracks, plays.track[mine])
    asked = sp.csr_array(
        (weight.astype(np.float32), (plays.row[mine], place)), (plays.n, len(gathered.tracks))
    )
    return sp.csr_array(asked @ beside)


def _found(scores: sp.csr_array, n_tracks: int) -> Found:
    scores.sort_indices()
    row = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
    return Found(row * n_tracks + scores.indices, steadied(scores.data).astype(np.float32))
