"""From scores of all tracks to the best k, in an order that never depends on chance."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import ClassVar, Final, Protocol

import numpy as np
import numpy.typing as npt

from segue.errors import NotFittedError
from segue.features.catalogue import Catalogue
from segue.features.listening import Listening
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.base import Proposer

__all__ = [
    "answer_of",
    "best",
    "candidates",
    "explained_before",
    "fitted",
    "proposed_before",
    "question_of",
    "searchable",
    "spread",
    "spread_best",
    "steadied",
]

_DROPPED: Final = 52 - 19  # of the bits of a fraction, before which there is a 1 that is not kept

Rows = npt.NDArray[np.int64]


class _NamedProposer(Proposer, Protocol):
    name: ClassVar[str]


def best(scores: npt.NDArray[np.floating], k: int) -> Rows:
    """Positions of the k highest finite scores, best first; ties go by position.

    Scores that agree in six digits are tied (see `steadied`).

    A catalogue is sorted by track_id, so that positions decide ties as ids do.
    """
    usable = np.flatnonzero(np.isfinite(scores))
    if k <= 0 or not len(usable):
        return np.empty(0, np.int64)
    values = scores[usable]
    if len(usable) > k:
        bar = np.partition(values, len(values) - k)[len(values) - k]
        # what is tied with the last of them is within a millionth of it
        near = values >= bar - 2.0**-19 * abs(bar)
        usable, values = usable[near], values[near]
    # in the order of positions, so that a stable sort leaves ties to them
    return usable[np.argsort(-steadied(values), kind="stable")[:k]]


def steadied(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Scores to 20 binary digits, about six decimal ones.

    Sums of many floats differ in the last digits with the number of threads and the processor's
    instructions; what is ranked by such a difference would be ranked by chance.
    """
    bits = np.array(scores, dtype=np.float64).view(np.int64)
    # to the nearest, ties to even; a carry goes on into the exponent, as it has to
    odd = (bits >> _DROPPED) & 1
    bits += odd
    bits += (1 << (_DROPPED - 1)) - 1
    bits &= -1 << _DROPPED
    return bits.view(np.float64)


def spread(rows: Rows, catalogue: Catalogue, per_artist: int) -> Rows:
    """The rows in their order without an artist's tracks beyond the first `per_artist`."""
    return rows[few_of_each(artist_keys(rows, catalogue), per_artist)]


def artist_keys(rows: Rows, catalogue: Catalogue) -> Rows:
    """A number for the first artist of each; unknown artists are all different.

    All are below the number of artists and tracks together.
    """
    artists = catalogue.artist_codes.take(rows).astype(np.int64)
    return np.where(artists < 0, len(catalogue.artist_ids) + rows, artists)


def few_of_each(keys: Rows, most: int) -> npt.NDArray[np.bool_]:
    """Which places have a key that stands in fewer than `most` places before.

    Args:
        keys: 0 or more, and below 2 ** 40, say: so much that there is room for the place.
    """
    few = np.ones(len(keys), dtype=bool)
    if most <= 0 or not len(keys):
        return ~few
    # key and place in one number are sorted in a fifth of the time of a stable argsort
    shift = len(keys).bit_length()
    packed = keys << shift
    packed |= np.arange(len(keys))
    packed.sort()
    order = packed & ((1 << shift) - 1)
    packed >>= shift
    few[order[most:][packed[most:] == packed[:-most]]] = False
    return few


def spread_best(
    scores: npt.NDArray[np.floating], rows: Rows, catalogue: Catalogue, *, per_artist: int, k: int
) -> Rows:
    """Positions of the k best scores, best first, `per_artist` of an artist at most.

    Args:
        rows: The catalogue rows of the scores, ascending.
    """
    for depth in (2 * k + 8, 8 * k + 8):
        top = best(scores, depth)
        kept = top[few_of_each(artist_keys(rows.take(top), catalogue), per_artist)][:k]
        if len(kept) == k or len(top) < depth:
            break
    return kept


def searchable(query: Query, catalogue: Catalogue, heard: Listening) -> npt.NDArray[np.bool_]:
    """Tracks that may answer the query: within its bounds, unknown where it is to discover.

    Hidden tracks never do, and those to hear less of not for 90 days (`Listening.barred`). The
    latest answer is remembered: every recommender asks for the same one in turn, and none may
    write into it.
    """
    latest = catalogue.memo.get("searchable")
    if latest and latest[0] is query:
        known: npt.NDArray[np.bool_] = latest[1]
        return known
    mask = catalogue.allowed(query.filters)
    mask[heard.rows[heard.barred(query.now.timestamp())]] = False
    if query.mix == "discover":
        mask[heard.rows] = False
    seeds = catalogue.rows(query.seeds)
    mask[seeds[seeds >= 0]] = False
    mask.flags.writeable = False
    catalogue.memo["searchable"] = (query, mask)
    return mask


def question_of(query: Query, heard: Listening) -> Hashable:
    """What a query asks besides whose it is; the moment counts as far as rests have ended."""
    barred = int(heard.barred(query.now.timestamp()).sum()) if heard.said.any() else 0
    return query.mix, query.seeds, query.filters, barred


def proposed_before(
    name: str,
    query: Query,
    heard: Listening,
    k: int,
    *,
    of: object,
    propose: Callable[[], tuple[Rows, npt.NDArray[np.float64]]],
) -> tuple[Rows, npt.NDArray[np.float64]]:
    """What a recommender proposed to this listener, asked the same; else what it proposes now.

    For recommenders to whom the moment says nothing: what they propose changes with what is
    heard, not with the hour. See `Listening.remembered`.
    """
    key = ("propose", k, question_of(query, heard))
    return heard.remembered(name, key, of=of, make=propose)


def explained_before(
    name: str,
    query: Query,
    heard: Listening,
    rows: Rows,
    *,
    of: object,
    explain: Callable[[Rows], Mapping[int, Evidence]],
) -> dict[int, Evidence]:
    """What speaks for these rows, as it was told before; else it is told now. For the same ones."""

    def nothing() -> dict[int, Evidence | None]:
        return {}

    told = heard.remembered(name, ("explain", question_of(query, heard)), of=of, make=nothing)
    asked = rows.tolist()
    new = [row for row in asked if row not in told]
    if new:
        found = explain(np.array(new, np.int64))
        told.update((row, found.get(row)) for row in new)
    return {row: fact for row in asked if (fact := told[row]) is not None}


def candidates(
    name: str,
    catalogue: Catalogue,
    rows: Sequence[int] | Rows,
    *,
    scores: Sequence[float] | npt.NDArray[np.floating],
    evidence: Callable[[int], Evidence | None],
) -> Candidates:
    """Candidates of one source; `evidence(i)` is asked for the i-th row, None leaves it out."""
    found = [(i, evidence(i)) for i in range(len(rows))]
    kept = [(i, fact) for i, fact in found if fact is not None]
    steady = steadied(np.asarray(scores, dtype=np.float64)).tolist()
    return Candidates(
        track_ids=catalogue.ids(int(rows[i]) for i, _ in kept),
        scores=tuple(steady[i] for i, _ in kept),
        sources=((name,),) * len(kept),
        evidence=tuple((fact,) for _, fact in kept),
    )


def answer_of(model: _NamedProposer, query: Query, k: int, *, catalogue: Catalogue) -> Candidates:
    """What a recommender proposes, each with what it explains it by; without that, it is out."""
    rows, scores = model.propose(query, k)
    facts = model.explain(query, rows)
    return candidates(
        model.name, catalogue, rows, scores=scores, evidence=lambda i: facts.get(int(rows[i]))
    )


def fitted(name: str, state: Catalogue | None) -> Catalogue:
    """The catalogue of a fitted recommender.

    Raises:
        NotFittedError: It has neither been fitted nor loaded.
    """
    if state is None:
        raise NotFittedError(
            f"recommender “{name}” has not learned anything yet",
            cure="Call fit() or load() before recommend(), or run `segue train`.",
        )
    return state
