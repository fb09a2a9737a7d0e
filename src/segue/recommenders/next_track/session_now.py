"""Which plays of a history belong to the session that goes on."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import Listening
from segue.features.training_data import Sessions
from segue.music.query import Query

__all__ = ["session_now"]

_PAUSE_SECONDS: Final = 30 * 60.0
_MOST: Final = 30


def session_now(query: Query, heard: Listening, catalogue: Catalogue) -> Sessions:
    """The latest session of a query as the one prefix to go on from.

    It is the last run of counted plays without a pause of half an hour; seeds come after it, so
    that they weigh most, and for "similar" they stand alone.
    """
    seeds = catalogue.rows(query.seeds)
    seeds = seeds[seeds >= 0]
    tracks = seeds if query.mix == "similar" and len(seeds) else np.append(_latest(heard), seeds)
    latest = tracks[-_MOST:].astype(np.int32)
    return Sessions(np.array([0, len(latest)], np.int64), latest, np.zeros(1, np.int64))


def _latest(heard: Listening) -> npt.NDArray[np.int64]:
    counted = np.flatnonzero(heard.play_counted)
    pauses = np.flatnonzero(np.diff(heard.play_at[counted]) > _PAUSE_SECONDS)
    mine = counted[pauses[-1] + 1 :] if len(pauses) else counted
    return heard.rows[heard.play_of[mine]]
