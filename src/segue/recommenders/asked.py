"""Whom a crowd is asked for: what a query's user likes, as columns of listeners × tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import Listening
from segue.music.query import Query
from segue.recommenders.ranking import best

__all__ = ["Asked", "artists_of", "asked_by", "strongest"]

_STRONGEST: Final = 500  # tracks or artists of the user that are looked at
_TAKEN_UP: Final = 3.0  # plays that a track taken up just now counts as

Reals = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Asked:
    """A user as columns of a matrix of listeners × tracks or × artists.

    Args:
        columns: Catalogue rows, or columns of artists, shape (n,).
        liking: In plays; below zero means dislike, shape (n,).
        stands_for: Catalogue row of the user's track that each column stands for, shape (n,).
    """

    columns: Rows
    liking: Reals
    stands_for: Rows


def asked_by(query: Query, heard: Listening, catalogue: Catalogue) -> Asked:
    """Seeds and what the user likes or skips; for "similar" the seeds alone."""
    seeds = catalogue.found(query.seeds)
    liking = _TAKEN_UP * heard.taken_up() if query.mix == "discover" else heard.affinity()
    loudest = liking.max(initial=1.0)
    if query.mix == "similar" and len(seeds):
        return Asked(seeds, np.ones(len(seeds)), seeds)
    mine = liking != 0
    if len(seeds):
        mine &= ~np.isin(heard.rows, seeds)
    rows = np.concatenate([seeds, heard.rows[mine]])
    return Asked(rows, np.concatenate([np.full(len(seeds), loudest), liking[mine]]), rows)


def artists_of(own: Asked, catalogue: Catalogue, artist_columns: Rows) -> Asked:
    """The artists of the user's tracks, each standing behind its best liked track.

    Args:
        artist_columns: Column of each of the catalogue's artists, -1 where there is none.
    """
    codes = catalogue.artist_codes[own.columns]
    columns = np.where(codes >= 0, artist_columns[codes], -1)
    order = np.argsort(-own.liking, kind="stable")
    order = order[columns[order] >= 0]
    distinct, first = np.unique(columns[order], return_index=True)
    total = np.bincount(columns[order], weights=own.liking[order], minlength=1)
    return Asked(distinct, total[distinct], own.stands_for[order[first]])


def strongest(asked: Asked, positions: Rows) -> tuple[Asked, Rows]:
    """The strongest of what is asked that a crowd knows, and where the crowd has it.

    Args:
        positions: Where the crowd has each asked column, -1 where nobody listens to it.
    """
    strength = np.where(positions >= 0, np.abs(asked.liking), -np.inf)
    kept = best(strength, _STRONGEST)
    kept = kept[np.isfinite(strength[kept])]
    if not (asked.liking[kept] > 0).any():
        kept = kept[:0]
    some = Asked(asked.columns[kept], asked.liking[kept], asked.stands_for[kept])
    return some, positions[kept]
