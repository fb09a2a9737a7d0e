"""How often `segue compare` names the better of two, and how often it names one of two equals.

Listeners are simulated: a playlist of 20 a week, of which they hear the first 2 to 20 tracks. A
track pleases them with a chance that is its team's; they hear 80 % of what pleases and 20 % of the
rest to the end, and skip the others. The verdict is asked for after every week.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from statistics import median

from segue.evaluation.preference import Impression, decided_by, received
from segue.evaluation.team_draft import Pick, Team, team_draft

__all__ = ["first_verdict", "run", "week_of"]

_SIZE = 20
_FINISHED = {True: 0.8, False: 0.2}
_CHANCES = ((0.5, 0.5), (0.6, 0.4), (0.7, 0.3), (0.8, 0.2))


def week_of(rng: Random, week: int, pleases: Mapping[Team, float]) -> list[Impression]:
    """One playlist and what became of its tracks."""
    a, b = ([f"{team}{week}-{n}" for n in range(_SIZE)] for team in "ab")
    until = rng.randint(2, _SIZE)
    picks = team_draft(a, b, _SIZE, rng=rng)
    return [
        _received(rng, week, pick, pleases[pick.team], place < until)
        for place, pick in enumerate(picks)
    ]


def _received(rng: Random, week: int, pick: Pick, pleases: float, heard: bool) -> Impression:
    finished = heard and rng.random() < _FINISHED[rng.random() < pleases]
    return Impression(
        f"w{week}",
        pick.round,
        pick.team,
        pick.track_id,
        plays=int(finished),
        finishes=int(finished),
        skips=int(heard and not finished),
    )


def first_verdict(
    rng: Random, pleases: Mapping[Team, float], weeks: int
) -> tuple[Team, int] | None:
    """The first team that is named better, and after how many weeks."""
    known: list[Impression] = []
    for week in range(1, weeks + 1):
        known += week_of(rng, week, pleases)
        winner = decided_by(received(known)).winner
        if winner is not None:
            return winner, week
    return None


def run(runs: int = 1000, weeks: int = 26) -> list[str]:
    """A Markdown table."""
    lines = [
        f"{runs} listeners, {weeks} weekly playlists of {_SIZE}, looked at every week.",
        "",
        "| pleases (A, B) | A named | B named | after weeks (median) |",
        "|---|---|---|---|",
    ]
    for a, b in _CHANCES:
        pleases: dict[Team, float] = {"a": a, "b": b}
        found = [first_verdict(Random(seed), pleases, weeks) for seed in range(runs)]
        named = [one for one in found if one is not None]
        share = {team: sum(one[0] == team for one in named) / runs for team in "ab"}
        when = f"{median(one[1] for one in named):g}" if named else ""
        lines.append(f"| {a:.0%}, {b:.0%} | {share['a']:.1%} | {share['b']:.1%} | {when} |")
    return lines
