"""Two recommenders in one playlist: each in turn picks its best track that is not taken yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, get_args

__all__ = ["TEAMS", "Pick", "Team", "team_draft"]

Team = Literal["a", "b"]
TEAMS: Final[tuple[Team, ...]] = get_args(Team)


@dataclass(frozen=True, slots=True)
class Pick:
    """One place of the playlist.

    Args:
        team: Who picked the track.
        row: Its place in that team's list, from 0.
        round: In each round every team picks once, from 0.
    """

    track_id: str
    team: Team
    row: int
    round: int


def team_draft(
    a: Sequence[str],
    b: Sequence[str],
    size: int,
    *,
    rng: Random,
    fits: Callable[[str, Sequence[str]], bool] = lambda track_id, taken: True,
) -> list[Pick]:
    """Interleave two lists fairly.

    Radlinski, Kurup and Joachims (2008), "How Does Clickthrough Data Reflect Retrieval Quality?":
    as two captains choose their teams. In each round a coin says who picks first, so that neither
    has the better places; of two equal lists each has half of the tracks. We end where one of
    them has nothing left, so that both always have the same number (an odd size gives the last
    place by the coin).

    Args:
        a: Tracks of the first, best first.
        b: Tracks of the second.
        size: Places to fill.
        rng: The coin.
        fits: Whether a track may be added to those taken, such as a limit for each artist.

    Returns:
        At most `size` picks, in the order of the playlist; no track twice.
    """
    lists: dict[Team, Sequence[str]] = {"a": a, "b": b}
    picks: list[Pick] = []
    number = 0
    while len(picks) < size:
        taken = [pick.track_id for pick in picks]
        order: list[Team] = ["a", "b"] if rng.random() < 0.5 else ["b", "a"]
        made: list[Pick] = []
        for team in order[: size - len(picks)]:
            row = _best(lists[team], taken, fits)
            if row is None:
                return picks  # a round in which one had nothing to offer compares nothing
            made.append(Pick(lists[team][row], team, row, number))
            taken.append(made[-1].track_id)
        picks += made
        number += 1
    return picks


def _best(
    tracks: Sequence[str], taken: Sequence[str], fits: Callable[[str, Sequence[str]], bool]
) -> int | None:
    for row, track_id in enumerate(tracks):
        if track_id not in taken and fits(track_id, taken):
            return row
    return None
