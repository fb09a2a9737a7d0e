"""What the first stage knows: pairs of tracks, whole sessions, and how often tracks are played."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.training_data import Sessions
from segue.recommenders.arrays import load_array, save_arrays
from segue.recommenders.incidence import Incidence
from segue.recommenders.next_track.pairs import TrackPairs, recency
from segue.recommenders.next_track.vectors import track_vectors
from segue.recommenders.session_votes import SessionVotes

__all__ = ["Count", "Memory", "latest_sessions"]

_HALF_LIFE: Final = 0.5
_LATELY: Final = 0.05
_JUST_NOW: Final = 0.01

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


class Count(IntEnum):
    """What is counted of a track."""

    PLAYS = 0
    FADING = 1
    """Plays that fade with the age of their session."""
    LATELY = 2
    """Plays in the last twentieth of all sessions."""
    JUST_NOW = 3
    """Plays in the last hundredth."""
    FIRST = 4
    """Sessions that begin with it."""
    LAST = 5
    """Sessions that end with it."""


@dataclass(frozen=True)
class Memory:
    """Everything that candidates and features are made of.

    Args:
        pairs: Which tracks are played near which.
        counts: float32, shape (n_tracks, 6): see `Count`.
        voters: Whole sessions.
        vectors: float32, shape (n_tracks, n_factors): see `track_vectors`.
        favourites: The most played tracks of late, best first: what is answered where nothing
            else is known.
    """

    pairs: TrackPairs
    counts: Floats
    voters: SessionVotes
    vectors: Floats
    favourites: Rows

    @property
    def n_tracks(self) -> int:
        """Columns of the catalogue it was made for."""
        return len(self.counts)

    @classmethod
    def of_sessions(
        cls, sessions: Sessions, n_tracks: int, *, seed: int = 17, threads: int = 0
    ) -> Self:
        """Remember sessions, at least one, oldest first.

        Args:
            seed: Of the first vectors.
            threads: 0 means all cores; the result does not depend on it.
        """
        owner = np.repeat(np.arange(len(sessions)), np.diff(sessions.offsets))
        track = sessions.tracks.astype(np.int64)
        counts = _counts(sessions, owner, n_tracks)
        voters = SessionVotes(
            Incidence.of_pairs(owner, track, n_rows=len(sessions), n_columns=n_tracks),
            Incidence.of_pairs(track, owner, n_rows=n_tracks, n_columns=len(sessions)),
        )
        return cls(
            TrackPairs.of_sessions(sessions, n_tracks, _HALF_LIFE),
            counts,
            voters,
            track_vectors(sessions, n_tracks, seed=seed, threads=threads),
            _favourites(counts),
        )

    def save(self, folder: Path) -> None:
        """Write the arrays."""
        self.pairs.save(folder)
        voters = self.voters
        save_arrays(
            folder,
            {
                "track_counts": self.counts,
                "track_vectors": self.vectors,
                "track_offsets": voters.by_track.offsets,
                "track_sessions": voters.by_track.rows,
                "session_offsets": voters.by_session.offsets,
                "session_tracks": voters.by_session.rows,
            },
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read them back, mapped."""
        counts = load_array(folder, "track_counts")
        offsets = load_array(folder, "session_offsets")
        by_track = Incidence(
            load_array(folder, "track_offsets"),
            load_array(folder, "track_sessions"),
            len(offsets) - 1,
        )
        by_session = Incidence(offsets, load_array(folder, "session_tracks"), len(counts))
        voters = SessionVotes(by_track, by_session)
        vectors = load_array(folder, "track_vectors")
        return cls(TrackPairs.load(folder), counts, voters, vectors, _favourites(counts))


def latest_sessions(sessions: Sessions, most_plays: int) -> Sessions:
    """Sessions of two plays and more, oldest first, as many of the latest as have `most_plays`.

    Those without a time count as the oldest, in the order in which they came.
    """
    lengths = np.diff(sessions.offsets)
    order = np.argsort(sessions.ended_at, kind="stable")
    order = order[lengths[order] >= 2]
    from_latest = np.cumsum(lengths[order][::-1])
    order = order[len(order) - int(np.searchsorted(from_latest, most_plays, side="right")) :]
    lengths = lengths[order]
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    index = np.arange(offsets[-1]) + np.repeat(sessions.offsets[order] - offsets[:-1], lengths)
    return Sessions(offsets, sessions.tracks[index], sessions.ended_at[order])


def _counts(sessions: Sessions, owner: Rows, n_tracks: int) -> Floats:
    track = sessions.tracks
    fading = recency(len(sessions), _HALF_LIFE)[owner]
    counts = np.zeros((n_tracks, len(Count)), np.float32)
    counts[:, Count.PLAYS] = np.bincount(track, minlength=n_tracks)
    counts[:, Count.FADING] = np.bincount(track, weights=fading, minlength=n_tracks)
    for what, share in ((Count.LATELY, _LATELY), (Count.JUST_NOW, _JUST_NOW)):
        since = int((1 - share) * len(sessions))
        counts[:, what] = np.bincount(track[owner >= since], minlength=n_tracks)
    counts[:, Count.FIRST] = np.bincount(track[sessions.offsets[:-1]], minlength=n_tracks)
    counts[:, Count.LAST] = np.bincount(track[sessions.offsets[1:] - 1], minlength=n_tracks)
    return counts


def _favourites(counts: Floats, most: int = 100) -> Rows:
    """By plays of late, then by plays at all."""
    plays, lately = counts[:, Count.FADING], counts[:, Count.LATELY]
    order = np.lexsort((np.arange(len(counts)), -plays, -lately))[:most]
    return np.asarray(order[plays[order] > 0])
