"""What is asked of a recommender: whose playlist, of what sort, within which bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

import pyarrow as pa

from segue.music import columns as c
from segue.music.moods import Bound

__all__ = ["FEEDBACK", "HISTORY", "MIXES", "Filters", "Mix", "Query"]

Mix = Literal["discover", "rediscover", "daily", "similar"]
MIXES: Final[tuple[str, ...]] = get_args(Mix)


HISTORY: Final = pa.schema(
    [
        pa.field(c.TRACK_ID, pa.string()),
        pa.field(c.PLAYED_AT, pa.timestamp("us", tz="UTC")),
        pa.field(c.COUNTED, pa.bool_()),
        pa.field(c.FINISHED, pa.bool_()),
        pa.field(c.SKIPPED, pa.bool_()),
    ]
)
"""The plays of one user, oldest first, as much of each as a recommender needs."""

FEEDBACK: Final = pa.schema(
    [
        pa.field(c.TRACK_ID, pa.string()),  # null where an artist is meant
        pa.field(c.ARTIST_ID, pa.string()),  # null where a track is meant
        pa.field(c.VERB, pa.string()),  # like, less, known or hide (see segue.music.feedback)
        pa.field(c.SAID_AT, pa.timestamp("us", tz="UTC")),
    ]
)
"""What one user said of tracks and artists, as it stands: at most one row for each of them.

What was undone is not here, and plays that are “not me” are not in the history.
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """Bounds that every track of the answer keeps to; empty means no bound.

    Args:
        genres: At least one of these (lower case; a part of a genre's name is enough).
        years: First and last year, inclusive; either may be None.
        tempo: Lowest and highest beats per minute, inclusive; either may be None.
        exclude_artists: Normalised artist names that must not appear.
        exclude_tracks: Track ids that must not appear.
        sound: Audio features within bounds; a track of which one is not known is left out.
        explicit: False: none that is known to be explicit; True: only such; None: either.
        duration_ms: Shortest and longest, inclusive; either may be None.
    """

    genres: tuple[str, ...] = ()
    years: tuple[int | None, int | None] | None = None
    tempo: tuple[float | None, float | None] | None = None
    exclude_artists: frozenset[str] = frozenset()
    exclude_tracks: frozenset[str] = frozenset()
    sound: tuple[Bound, ...] = ()
    explicit: bool | None = None
    duration_ms: tuple[int | None, int | None] | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """One question to a recommender.

    Args:
        user_id: Who asks; None for a query that stands on its own (seeds, history).
        now: The moment the playlist is for, aware UTC; nothing later may be used.
        mix: What sort of playlist.
        history: Arrow table in the HISTORY schema: the user's plays up to `now`, oldest first.
        seeds: Track ids to start from ("similar", or to steer the others).
        filters: Bounds; recommenders may use them to search deeper, steps enforce them.
        adventurous: 0 … 1, from the familiar to the far.
        feedback: Arrow table in the FEEDBACK schema: what the user said up to `now`.
    """

    user_id: str | None
    now: datetime
    mix: Mix = "discover"
    history: pa.Table = field(default_factory=HISTORY.empty_table)
    seeds: tuple[str, ...] = ()
    filters: Filters = field(default_factory=Filters)
    adventurous: float = 0.3
    feedback: pa.Table = field(default_factory=FEEDBACK.empty_table)
