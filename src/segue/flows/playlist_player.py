"""The playlists' own way of choosing as one more player of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from segue.errors import NotReadyError
from segue.evaluation.leaderboard import Player
from segue.features.catalogue import Catalogue
from segue.flows.listener import Marts, Person, find_person
from segue.flows.recommend import picks
from segue.flows.wishes import Wishes
from segue.music.candidates import Candidates
from segue.music.query import Query
from segue.recommenders.base import Recommender
from segue.recommenders.bundle import Bundle

__all__ = ["playlist_player"]


def playlist_player(
    recommenders: Mapping[str, Recommender],
    catalogue: Catalogue,
    *,
    snapshot: Marts,
    wishes: Wishes,
) -> Player:
    """Answers each query with the playlist that `segue recommend` would have made at that moment.

    The tracks come in the order in which they were picked, not in playing order: that is made for
    the ear and ranks nothing.

    Args:
        recommenders: Fitted on what came before the moment.
        snapshot: Read for plays up to the moment, and for what was in the library by then.
        wishes: The options; mix and size come from the query.
    """

    @lru_cache(maxsize=1)
    def person_at(user_id: str | None, now: datetime) -> Person:
        return find_person(
            snapshot, catalogue, user_id=user_id, now=now, otherwise=now, undated=False
        )

    def player(query: Query, k: int, /) -> Candidates:
        bundle = Bundle("", "", query.now, catalogue, recommenders)
        unheard = (*wishes.exclude_tracks, *query.filters.exclude_tracks)
        asked = replace(wishes, mix=query.mix, size=min(k, 1000), seeds=(), exclude_tracks=unheard)
        try:
            return picks(bundle, person_at(query.user_id, query.now), asked)
        except NotReadyError:
            return Candidates()

    return player
