"""From the items that a playlist has to those it should have, in few requests."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from typing import Final

from segue.playlists.edits import Add, Edit, Move, Put, Remove

__all__ = ["AT_ONCE", "difference"]

AT_ONCE: Final = 100
"""Items that one request may write, at Spotify and at ListenBrainz."""

_LEAST: Final = (math.inf, 60, 12, 1)
"""From which length on a run of items in the wrong place is moved, rather than written again."""


def difference(
    have: Sequence[str],
    want: Sequence[str],
    *,
    at_once: int = AT_ONCE,
    stuck: Collection[str] = (),
) -> tuple[Edit, ...]:
    """Edits, a request each, that lead from one list to the other.

    Several ways are tried and the shortest is taken: writing all anew; or keeping the heaviest
    part that is in order, taking out what is unwanted, moving long runs, and adding the rest. The
    fewest block moves are hard to find (Bulteau, Fertin and Rusu 2012, "Sorting by transpositions
    is difficult"), so that the plan need not be the shortest there is.

    Args:
        have: Keys in order; one may be there several times.
        want: The same; the result when all edits are done.
        at_once: Most keys in one edit.
        stuck: Keys that can only go when all is written anew, such as files of another machine.
    """
    if list(have) == list(want):
        return ()
    anew = _anew(want, at_once)
    if not frozenset(stuck).isdisjoint(have):
        return anew
    plans = [plan for least in _LEAST if (plan := _keeping(have, want, least, at_once)) is not None]
    return min([*plans, anew], key=len)


def _anew(want: Sequence[str], at_once: int) -> tuple[Edit, ...]:
    rest = (Add(tuple(want[at : at + at_once]), at) for at in range(at_once, len(want), at_once))
    return (Put(tuple(want[:at_once])), *rest)


def _keeping(
    have: Sequence[str], want: Sequence[str], least: float, at_once: int
) -> tuple[Edit, ...] | None:
    """A plan that keeps what it can; None: it would be no shorter than writing all anew."""
    limit = math.ceil(len(want) / at_once)
    places = _partners(have, want)  # row of `have` -> row of `want`
    places = _without_strays(have, places, least)
    new = len(want) - len(places)
    if math.ceil(new / at_once) + math.ceil((len(have) - len(places)) / at_once) > limit:
        return None
    windows = _windows(want, places, at_once)
    inside = {place for first, end in windows for place in range(first, end)}
    places = {row: place for row, place in places.items() if place not in inside}
    kept = {have[row] for row in places}
    unwanted = tuple(dict.fromkeys(key for key in have if key not in kept))
    removes = [Remove(unwanted[at : at + at_once]) for at in range(0, len(unwanted), at_once)]
    adds = [Add(tuple(want[first:end]), first) for first, end in windows]
    most = limit - len(removes) - len(adds)
    order = [places[row] for row in sorted(places)]
    if len(_strips(order)) - 1 > 3 * most + 3:  # a move mends three seams at most
        return None
    return (*removes, *_moves(order), *adds)


def _partners(have: Sequence[str], want: Sequence[str]) -> dict[int, int]:
    """Which row of `want` each row of `have` can become.

    A key stays with all of its rows or not at all: removing takes every occurrence.
    """
    wanted: defaultdict[str, deque[int]] = defaultdict(deque)
    for place, key in enumerate(want):
        wanted[key].append(place)
    stays = {key for key, rows in Counter(have).items() if len(wanted[key]) >= rows}
    return {row: wanted[key].popleft() for row, key in enumerate(have) if key in stays}


def _without_strays(have: Sequence[str], places: dict[int, int], least: float) -> dict[int, int]:
    """Without the runs that are out of order and too short to be worth a move."""
    while True:
        rows = sorted(places)
        strips = _strips([places[row] for row in rows])
        staying = set(_in_order(strips, least))
        gone = {
            have[rows[at]]
            for number, (first, end, _) in enumerate(strips)
            if number not in staying and end - first < least
            for at in range(first, end)
        }
        if not gone:
            return places
        places = {row: place for row, place in places.items() if have[row] not in gone}


def _strips(order: Sequence[int]) -> list[tuple[int, int, int]]:
    """Runs of neighbours that stay neighbours: first row, end, and rank of the first.

    >>> _strips([5, 7, 1, 3])
    [(0, 2, 2), (2, 4, 0)]
    """
    rank = {place: number for number, place in enumerate(sorted(order))}
    found: list[tuple[int, int, int]] = []
    first = 0
    for at in range(1, len(order) + 1):
        if at == len(order) or rank[order[at]] != rank[order[at - 1]] + 1:
            found.append((first, at, rank[order[first]]))
            first = at
    return found if order else []


def _in_order(strips: Sequence[tuple[int, int, int]], least: float) -> list[int]:
    """The runs that stay where they are: the heaviest among those in order.

    A run's weight is what it costs not to keep it: a move, or its share of requests.
    """
    ranks = sorted(rank for _, _, rank in strips)
    best = _BestBelow(len(ranks))
    before: list[int] = []
    for number, (first, end, rank) in enumerate(strips):
        length = end - first
        weight = 1.0 + length * 1e-6 if length >= least else float(length)
        at = bisect_left(ranks, rank)
        total, last = best.below(at)
        before.append(last)
        best.put(at, total + weight, number)
    _, last = best.below(len(ranks))
    found = []
    while last >= 0:
        found.append(last)
        last = before[last]
    return found


class _BestBelow:
    """The greatest value at places below one, and whose it is (Fenwick 1994)."""

    def __init__(self, size: int) -> None:
        self._best: list[tuple[float, int]] = [(0.0, -1)] * (size + 1)

    def below(self, place: int) -> tuple[float, int]:
        found = (0.0, -1)
        while place > 0:
            found = max(found, self._best[place])
            place -= place & -place
        return found

    def put(self, place: int, value: float, owner: int) -> None:
        place += 1
        while place < len(self._best):
            self._best[place] = max(self._best[place], (value, owner))
            place += place & -place


def _windows(want: Sequence[str], places: dict[int, int], at_once: int) -> list[tuple[int, int]]:
    """Spans of `want` that are written, each in one request; what is not kept is in one of them.

    A span may write kept items again where that joins two additions; each costs its share of a
    removal. Dynamic programming over the items to add.
    """
    kept = frozenset(places.values())
    count = Counter(want)
    new = [place for place in range(len(want)) if place not in kept]
    pinned = list(
        accumulate((p in kept and count[want[p]] > 1 for p in range(len(want))), initial=0)
    )
    cost, since = [0.0], []
    for last, place in enumerate(new):
        found = (math.inf, last)
        for first in range(last, -1, -1):
            start = new[first]
            if place - start >= at_once or pinned[place] > pinned[start]:
                break
            again = place - start - (last - first)
            found = min(found, (cost[first] + 1 + 1.01 * again / at_once, first))
        cost.append(found[0])
        since.append(found[1])
    spans, last = [], len(new) - 1
    while last >= 0:
        spans.append((new[since[last]], new[last] + 1))
        last = since[last] - 1
    return spans[::-1]


def _moves(order: Sequence[int]) -> Iterator[Move]:
    """Moves that put places in ascending order, each run behind what it follows."""
    now = list(order)
    strips = _strips(now)
    staying = set(_in_order(strips, 1))
    ranked = sorted(now)
    strays = [strip for number, strip in enumerate(strips) if number not in staying]
    for first, end, rank in sorted(strays, key=lambda strip: strip[2]):
        length = end - first
        start = now.index(ranked[rank])
        before = now.index(ranked[rank - 1]) + 1 if rank else 0
        if before == start:
            continue
        yield Move(start, before, length)
        moved = now[start : start + length]
        del now[start : start + length]
        place = before if before <= start else before - length
        now[place:place] = moved
