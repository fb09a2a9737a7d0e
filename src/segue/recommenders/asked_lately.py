"""The tracks that a query is about: its seeds, and what its user liked in the last weeks."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import Listening
from segue.music.query import Query
from segue.recommenders.ranking import best

__all__ = ["asked_lately"]

_ASKED: Final = 60
_LISTENED_DAYS: Final = 30.0

Rows = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


def asked_lately(query: Query, heard: Listening, catalogue: Catalogue) -> tuple[Rows, Reals]:
    """Seeds at full weight, then what the user liked lately at half; for "similar" seeds alone."""
    seeds = catalogue.found(query.seeds)
    if query.mix == "similar" and len(seeds):
        return seeds, np.ones(len(seeds))
    discover = query.mix == "discover"
    liking = heard.taken_up(_LISTENED_DAYS) if discover else heard.affinity(_LISTENED_DAYS)
    if len(seeds):
        liking[np.isin(heard.rows, seeds)] = 0
    top = best(np.where(liking > 0, liking, -np.inf), _ASKED)
    mine = liking[top] / liking[top].max(initial=1e-9)
    if len(seeds):
        mine = 0.5 * mine * len(seeds) / max(mine.sum(), 1e-9)
    return np.concatenate([seeds, heard.rows[top]]), np.concatenate([np.ones(len(seeds)), mine])
