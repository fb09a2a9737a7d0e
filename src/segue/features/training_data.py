"""Everything a recommender may learn from, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.features.catalogue import Catalogue
from segue.features.interactions import Interactions

__all__ = ["Neighbours", "Sessions", "TrainingData"]


@dataclass(frozen=True)
class Sessions:
    """Listening sessions (or playlists) as runs of track columns.

    Args:
        offsets: int64, shape (n_sessions + 1,); session s is tracks[offsets[s]:offsets[s + 1]].
        tracks: int32, columns of the catalogue, in the order they were heard.
        ended_at: int64 Unix seconds, shape (n_sessions,); 0 where unknown.
    """

    offsets: npt.NDArray[np.int64]
    tracks: npt.NDArray[np.int32]
    ended_at: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True)
class Neighbours:
    """What open services call alike, or recommend.

    Args:
        subjects: int64, catalogue rows; for recommendations the place in `users`.
        tracks: int64, catalogue rows of what is like them.
        scores: float64, 0 … 1.
        kinds: int8, places in `KINDS`.
        services: int8, places in `names`.
        names: Of the services.
        users: Whom something is recommended to.
    """

    KINDS: ClassVar[tuple[str, ...]] = ("similar_track", "similar_artist", "recommended")

    subjects: npt.NDArray[np.int64]
    tracks: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    kinds: npt.NDArray[np.int8]
    services: npt.NDArray[np.int8]
    names: tuple[str, ...] = ()
    users: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.tracks)

    @classmethod
    def none(cls) -> Neighbours:
        """Nothing."""
        rows, small = np.empty(0, np.int64), np.empty(0, np.int8)
        return cls(rows, rows, np.empty(0), small, small)


@dataclass(frozen=True)
class TrainingData:
    """What training sees; nothing in it is later than `as_of`.

    Args:
        catalogue: The tracks; its order is the column order of everything else.
        interactions: Local users and track-level crowd listeners × tracks, raw play counts.
        sessions: Sessions of local users and of crowds that have them.
        artist_interactions: Crowd listeners × artists, columns are artist ids, raw play counts.
            Empty unless a crowd knows artists only; then track-level crowds are summed in as well.
        trend: float32, shape (n_tracks,): plays by everybody, each fading with its age.
        local_users: The user_ids that are people here, not crowd listeners.
        as_of: Aware UTC.
        countries: Local user -> the country that most of their plays come from, as far as plays
            tell. Crowds do not.
        histories: Local user -> all plays in the HISTORY schema, skips and short ones too.
        friends: user_id -> user_ids of their friends, for crowds that tell.
        neighbours: What open services call alike.
    """

    catalogue: Catalogue
    interactions: Interactions
    sessions: Sessions
    artist_interactions: Interactions
    trend: npt.NDArray[np.float32]
    local_users: tuple[str, ...]
    as_of: datetime
    countries: Mapping[str, str] = field(default_factory=dict)
    histories: Mapping[str, pa.Table] = field(default_factory=dict)
    friends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    neighbours: Neighbours = field(default_factory=Neighbours.none)
