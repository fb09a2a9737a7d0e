"""Rules of thumb for what is played again, to be beaten: each ranks the user's own tracks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.evaluation.leaderboard import Player
from segue.features.catalogue import Catalogue
from segue.features.listening import DAY, Listening, listening
from segue.features.track_memory import activations
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query

__all__ = ["SIMPLE_RULES", "Rule", "rule_player"]

Reals = npt.NDArray[np.float64]
Rule = Callable[[Listening, float], Reals]


def _most_played(heard: Listening, now: float) -> Reals:
    del now
    return heard.plays.astype(np.float64)


def _most_played_lately(heard: Listening, now: float) -> Reals:
    lately = heard.play_counted & (now - heard.play_at <= 30 * DAY)
    return heard.total(lately.astype(np.float64))


def _most_recent(heard: Listening, now: float) -> Reals:
    del now
    last = np.full(len(heard), -np.inf)
    np.maximum.at(last, heard.play_of[heard.play_counted], heard.play_at[heard.play_counted])
    return last


def _activation(decay: float) -> Rule:
    return lambda heard, now: activations(heard, now, decay)


SIMPLE_RULES: Final[dict[str, Rule]] = {
    "rule: most played": _most_played,
    "rule: in 30 days": _most_played_lately,
    "rule: most recent": _most_recent,
    "rule: ACT-R 0.5": _activation(0.5),
    "rule: ACT-R 0.8": _activation(0.8),
    "rule: ACT-R 1.2": _activation(1.2),
}
"""Name -> a number for each track; base-level activation after Anderson and Schooler (1991)."""


def rule_player(rule: Rule, catalogue: Catalogue) -> Player:
    """Answers "daily" with the user's tracks in the order of a rule, ties by the last play."""

    def player(query: Query, k: int, /) -> Candidates:
        if query.mix != "daily":
            return Candidates()
        heard = listening(query, catalogue)
        scores = rule(heard, query.now.timestamp())
        order = np.lexsort((heard.rows, -_most_recent(heard, 0.0), -scores))
        top = [int(at) for at in order if heard.plays[at] > 0][:k]
        fact = Evidence(kind="favourite")
        return Candidates(
            catalogue.ids(int(heard.rows[at]) for at in top),
            tuple(float(scores[at]) for at in top),
            (("rule",),) * len(top),
            ((fact,),) * len(top),
        )

    return player
