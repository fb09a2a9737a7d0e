"""Which of two interleaved recommenders a listener prefers, and how sure that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma, log
from typing import Any, Final

import numpy as np

from segue.evaluation.bootstrap import Estimate, means
from segue.evaluation.team_draft import TEAMS, Team

__all__ = [
    "ENOUGH",
    "Decision",
    "Impression",
    "Outcome",
    "Preference",
    "TeamTally",
    "decided_by",
    "preference",
    "received",
]

ENOUGH: Final = 20.0
"""The data must be so many times as likely if there is a difference: a false alarm in 20."""

_FEWEST_PLAYLISTS: Final = 3
_LARGEST: Final = 700.0  # more does not fit into a float
_SEED: Final = 17


@dataclass(frozen=True, slots=True)
class Impression:
    """One track of an interleaved playlist, and what its listener did with it.

    Args:
        playlist: Which playlist.
        round: Round of the draft in which it was picked; the other team's pick is its rival.
        plays: Counted plays after the playlist was made.
        finishes: Plays to the end.
        skips: Plays left by the listener's hand.
        likes: 1 if it was liked since.
        dislikes: 1 if it was hidden, or less of it was asked for, since.
    """

    playlist: str
    round: int
    team: Team
    track_id: str = ""
    plays: int = 0
    finishes: int = 0
    skips: int = 0
    likes: int = 0
    dislikes: int = 0

    @property
    def level(self) -> int:
        """How well it was received: from -2 disliked to 3 liked; 0: not touched."""
        if self.dislikes or self.likes:
            return -2 if self.dislikes else 3
        if self.finishes or self.plays:
            return 2 if self.finishes else 1
        return -1 if self.skips else 0

    @property
    def success(self) -> bool:
        """Whether it was heard to the end, or liked."""
        return self.level >= 2


@dataclass(frozen=True, slots=True)
class TeamTally:
    """Sums over one team's impressions; `rate` is the share heard to the end or liked."""

    impressions: int
    plays: int
    finishes: int
    skips: int
    likes: int
    dislikes: int
    rate: Estimate

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "impressions": self.impressions,
            "plays": self.plays,
            "finishes": self.finishes,
            "skips": self.skips,
            "likes": self.likes,
            "dislikes": self.dislikes,
            "rate": self.rate.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Preference:
    """The outcome so far.

    Args:
        playlists: Interleaved playlists made.
        heard: Those of which anything was touched.
        wins: Rounds in which a team's track was received better than its rival.
        ties: Rounds in which both were received alike, mostly because neither was touched.
        share: The first team's share of the decided rounds: posterior mean and 95 % interval
            under a uniform prior.
        odds: How many times likelier the rounds are if there is a difference than if there is
            none.
        difference: The first team's rate less the second's, bootstrapped over playlists.
        winner: None while that is not known.
        verdict: The same in words.
    """

    playlists: int
    heard: int
    teams: dict[Team, TeamTally]
    wins: dict[Team, int]
    ties: int
    share: Estimate
    odds: float
    difference: Estimate
    winner: Team | None
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "playlists": self.playlists,
            "heard": self.heard,
            "teams": {team: tally.as_dict() for team, tally in self.teams.items()},
            "wins": dict(self.wins),
            "ties": self.ties,
            "share": self.share.as_dict(),
            "odds": round(self.odds, 6),
            "difference": self.difference.as_dict(),
            "winner": self.winner,
            "verdict": self.verdict,
        }


def preference(impressions: Sequence[Impression], names: dict[Team, str]) -> Preference:
    """Compare two teams by what became of their tracks.

    The tracks that both teams picked in one round are rivals: they stand side by side, and a coin
    said which came first. If it makes no difference who picks, each of them is as likely to be
    received better. The odds against that are the Bayes factor of a uniform prior over the share
    of rounds won, B(w + 1, l + 1) · 2 ** (w + l) for w wins and l losses. It may be looked at
    after every playlist: that it ever reaches 20 without a difference has a chance of at most one
    in 20 (Ville's inequality; Ramdas et al., 2023, "Game-Theoretic Statistics and Safe Anytime-
    Valid Inference").

    Args:
        impressions: Every track of every playlist, touched or not.
        names: What the teams are called in words.
    """
    outcome = received(impressions)
    wins, heard = outcome.wins, outcome.heard
    decision = decided_by(outcome)
    rates = _rates(impressions)
    return Preference(
        playlists=outcome.playlists,
        heard=heard,
        teams={team: _tally(impressions, team, rates[team]) for team in TEAMS},
        wins=wins,
        ties=outcome.ties,
        share=_share(wins["a"], wins["b"]),
        odds=decision.odds,
        difference=rates["difference"],
        winner=decision.winner,
        verdict=_verdict(decision.winner, wins, names, heard=heard),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whose tracks were received better.

    Args:
        wins: Rounds in which a team's track was received better than its rival.
        ties: Rounds in which both were received alike.
        playlists: Playlists made.
        heard: Those of which anything was touched.
    """

    wins: dict[Team, int]
    ties: int
    playlists: int
    heard: int


def received(impressions: Sequence[Impression]) -> Outcome:
    """Pair the tracks of each round, and see which was received better."""
    rounds: dict[tuple[str, int], dict[Team, int]] = defaultdict(dict)
    for one in impressions:
        rounds[one.playlist, one.round][one.team] = one.level
    pairs = [(both["a"], both["b"]) for both in rounds.values() if len(both) == 2]
    wins: dict[Team, int] = {"a": sum(a > b for a, b in pairs), "b": sum(a < b for a, b in pairs)}
    return Outcome(
        wins=wins,
        ties=len(pairs) - wins["a"] - wins["b"],
        playlists=len({one.playlist for one in impressions}),
        heard=len({one.playlist for one in impressions if one.level}),
    )


@dataclass(frozen=True, slots=True)
class Decision:
    """Who is better, if that is known; and the odds that it is anybody (see `preference`)."""

    winner: Team | None
    odds: float


def decided_by(outcome: Outcome) -> Decision:
    """Name the better team if the odds are 20 to 1 and three playlists were listened to."""
    wins = outcome.wins
    odds = _odds(wins["a"], wins["b"])
    if odds < ENOUGH or outcome.heard < _FEWEST_PLAYLISTS:
        return Decision(None, odds)
    return Decision("a" if wins["a"] > wins["b"] else "b", odds)


def _odds(won: int, lost: int) -> float:
    """Bayes factor of "some share" against "one half"."""
    rounds = won + lost
    log_odds = lgamma(won + 1) + lgamma(lost + 1) - lgamma(rounds + 2) + rounds * log(2)
    return exp(min(log_odds, _LARGEST))


def _share(won: int, lost: int) -> Estimate:
    from scipy.special import betaincinv

    low, high = (float(betaincinv(won + 1, lost + 1, q)) for q in (0.025, 0.975))
    return Estimate((won + 1) / (won + lost + 2), low, high)


def _rates(impressions: Sequence[Impression]) -> dict[str, Estimate]:
    """Each team's rate and their difference, over resamples of whole playlists."""
    nothing = Estimate(0.0, 0.0, 0.0)
    if not impressions:
        return {"a": nothing, "b": nothing, "difference": nothing}
    values = np.full((len(impressions), 2), np.nan)
    for row, one in enumerate(impressions):
        values[row, TEAMS.index(one.team)] = one.success
    units = np.unique([one.playlist for one in impressions], return_inverse=True)[1]
    found = means(values, units.astype(np.int64), _SEED)
    return {
        "a": found.estimate(0),
        "b": found.estimate(1),
        "difference": found.difference(0, 1),
    }


def _tally(impressions: Sequence[Impression], team: Team, rate: Estimate) -> TeamTally:
    mine = [one for one in impressions if one.team == team]
    return TeamTally(
        impressions=len(mine),
        plays=sum(one.plays for one in mine),
        finishes=sum(one.finishes for one in mine),
        skips=sum(one.skips for one in mine),
        likes=sum(one.likes for one in mine),
        dislikes=sum(one.dislikes for one in mine),
        rate=rate,
    )


def _verdict(
    winner: Team | None, wins: dict[Team, int], names: dict[Team, str], *, heard: int
) -> str:
    decided = wins["a"] + wins["b"]
    if winner is not None:
        return (
            f"{names[winner]} is better: of {decided} decided pairs it won {wins[winner]}, "
            "which chance hardly does"
        )
    if heard < _FEWEST_PLAYLISTS:
        return f"not enough yet: {heard} of at least {_FEWEST_PLAYLISTS} playlists were listened to"
    ahead: Team = "a" if wins["a"] >= wins["b"] else "b"
    if wins["a"] == wins["b"]:
        return f"not enough yet: each won {wins['a']} of {decided} decided pairs"
    return (
        f"not enough yet: {names[ahead]} won {wins[ahead]} of {decided} decided pairs, "
        "which may be chance"
    )
