"""What the ranker sees of a candidate: numbers, the same in any catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from segue.recommenders.next_track.memory import Count, Memory
from segue.recommenders.next_track.pairs import Near
from segue.recommenders.next_track.proposals import Proposals

__all__ = ["features"]

_LOOKED_AT: Final = 10
_BY_PLACE: Final = 3
_NOT_PLAYED: Final = 60

Floats = npt.NDArray[np.float32]
Values = dict[str, npt.NDArray[Any]]
Rows = npt.NDArray[np.int64]


def features(memory: Memory, found: Proposals) -> dict[str, Floats]:
    """One value a candidate and name; all names always, in the same order."""
    values: Values = dict(found.sources)
    values |= _shares_and_ranks(found)
    values |= _from_pairs(memory, found)
    values |= _from_vectors(memory, found)
    values |= _counts(memory, found)
    values |= _repeats(found)
    return {name: np.asarray(value, np.float32) for name, value in values.items()}


def _shares_and_ranks(found: Proposals) -> Values:
    """A source's score as a share of all it gives in the session, and its rank."""
    values: Values = {}
    for name, score in found.sources.items():
        total = np.bincount(found.row, weights=score, minlength=found.plays.n)
        values[f"{name}_share"] = score / np.maximum(total[found.row], 1e-9)
        values[f"{name}_rank"] = _ranks(found.row, score)
    return values


def _ranks(row: Rows, score: Floats) -> Floats:
    """0 for the highest of a row; ties go by position."""
    order = np.lexsort((-score, row))
    starts = np.searchsorted(row, row)  # rows ascend, so a row's run begins at the same place
    rank = np.empty(len(row), np.float32)
    rank[order] = np.arange(len(row)) - starts
    return rank


@dataclass(frozen=True)
class _Met:
    """Every candidate with every play of its session that it is known to be played near.

    Args:
        n: Candidates.
        candidate: Which candidate each is about.
        first: The track of the session.
        second: The candidate's track.
        age: Plays since the session's track.
        counts: What is counted of the two, shape (n_met, 8): see `Near`.
        of_late: What is counted of the session's track with any, lately.
    """

    n: int
    candidate: Rows
    first: Rows
    second: Rows
    age: Rows
    counts: Floats
    of_late: Floats

    @classmethod
    def of(cls, found: Proposals) -> Self:
        plays, gathered = found.plays, found.gathered
        mine = plays.age < _LOOKED_AT
        row, age = plays.row[mine], plays.age[mine]
        place = np.searchsorted(gathered.tracks, plays.track[mine])
        lengths = np.bincount(row, minlength=plays.n)
        begins = np.cumsum(lengths) - lengths
        times = lengths[found.row]
        candidate = np.repeat(np.arange(len(found.row)), times)
        within = np.arange(len(candidate)) - np.repeat(np.cumsum(times) - times, times)
        entry = begins[found.row][candidate] + within
        pair = gathered.look_up(place[entry], found.track[candidate])
        known = np.flatnonzero(pair < len(gathered.keys))
        candidate, place, age = candidate[known], place[entry[known]], age[entry[known]]
        return cls(
            n=len(found.row),
            candidate=candidate,
            first=gathered.tracks[place],
            second=found.track[candidate],
            age=age,
            counts=gathered.counts[pair[known]],
            of_late=gathered.total(gathered.counts[:, Near.LATELY])[place],
        )

    def summed(self, value: npt.NDArray[Any]) -> Floats:
        """Over the plays of the session, shape (n,)."""
        return np.bincount(self.candidate, weights=value, minlength=self.n).astype(np.float32)

    def highest(self, value: npt.NDArray[Any]) -> Floats:
        """Among the plays of the session, 0 without any, shape (n,)."""
        most = np.zeros(self.n, np.float32)
        np.maximum.at(most, self.candidate, value.astype(np.float32))
        return most


def _from_pairs(memory: Memory, found: Proposals) -> Values:
    """How the candidate stands to each of the last plays, summed, at most, and one by one."""
    met = _Met.of(found)
    counts, age = met.counts, met.age
    plays_of = memory.counts[:, Count.PLAYS]
    sizes = plays_of[met.first] * plays_of[met.second]
    cosine = counts[:, Near.TOGETHER] / np.sqrt(np.maximum(sizes, 1))
    fading = np.maximum(memory.counts[met.first, Count.FADING], 1e-3)
    following, after = counts[:, Near.NEXT] / fading, counts[:, Near.AFTER] / fading
    near = (1 / (1 + age)).astype(np.float32)
    lately = counts[:, Near.LATELY] / np.maximum(met.of_late, 1e-6) ** 0.6
    in_step = np.select(
        [age == 0, age == 1, age == 2],
        [counts[:, Near.NEXT], counts[:, Near.SECOND], counts[:, Near.THIRD]],
        np.float32(0),
    )
    matched = met.summed(np.ones(len(age), np.float32))
    looked_at = np.minimum(found.plays.lengths, _LOOKED_AT)[found.row]
    values: Values = {
        "matched": matched,
        "after_sum": met.summed(after * near),
        "lately_sum": met.summed(lately * near),
        "cosine_sum": met.summed(cosine * np.sqrt(near)),
        "in_step": met.summed(in_step / fading),
        "cosine_max": met.highest(cosine),
        "following_max": met.highest(following),
        "together_max": met.highest(counts[:, Near.TOGETHER]),
        "matched_share": matched / np.maximum(looked_at, 1),
    }
    for ago in range(_BY_PLACE):
        at = (age == ago).astype(np.float32)
        values[f"next_{ago}"] = met.summed(at * counts[:, Near.NEXT])
        values[f"following_{ago}"] = met.summed(at * following)
        values[f"after_{ago}"] = met.summed(at * after)
        values[f"previous_{ago}"] = met.summed(at * counts[:, Near.PREVIOUS])
        values[f"together_{ago}"] = met.summed(at * counts[:, Near.TOGETHER])
        values[f"cosine_{ago}"] = met.summed(at * cosine)
    return values


def _from_vectors(memory: Memory, found: Proposals) -> Values:
    """How the candidate's vector lies to the last track's and to the middle of the last ones."""
    plays = found.plays
    mine = plays.age < _LOOKED_AT
    row, age = plays.row[mine], plays.age[mine]
    vectors = np.asarray(memory.vectors[plays.track[mine]])
    vectors = vectors / _lengths(vectors)
    soon, alike, last = (np.zeros((plays.n, vectors.shape[1]), np.float32) for _ in range(3))
    np.add.at(soon, row, vectors / (1 + age[:, None]).astype(np.float32))
    np.add.at(alike, row, vectors)
    last[row[age == 0]] = vectors[age == 0]
    candidate = np.asarray(memory.vectors[found.track])
    unit = candidate / _lengths(candidate)
    soon /= _lengths(soon)
    alike /= _lengths(alike)
    return {
        "vector_soon": np.einsum("ij,ij->i", soon[found.row], unit),
        "vector_alike": np.einsum("ij,ij->i", alike[found.row], unit),
        "vector_last": np.einsum("ij,ij->i", last[found.row], unit),
        "vector_strength": np.einsum("ij,ij->i", soon[found.row], candidate),
    }


def _lengths(vectors: Floats) -> Floats:
    found = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return np.asarray(found, np.float32)


def _counts(memory: Memory, found: Proposals) -> Values:
    """How often the candidate is played, now and ever, and how often the last track."""
    counts = memory.counts[found.track]
    plays = np.maximum(counts[:, Count.PLAYS], 1)
    last = found.plays.ago(0)[found.row]
    return {
        "plays": counts[:, Count.PLAYS],
        "fading": counts[:, Count.FADING],
        "lately": counts[:, Count.LATELY],
        "just_now": counts[:, Count.JUST_NOW],
        "fading_share": counts[:, Count.FADING] / plays,
        "first_share": counts[:, Count.FIRST] / plays,
        "last_share": counts[:, Count.LAST] / plays,
        "last_plays": np.where(last >= 0, memory.counts[last, Count.PLAYS], 0),
    }


def _repeats(found: Proposals) -> Values:
    """Whether the session plays tracks again, in which order, and what that says of this one."""
    plays = found.plays
    n = int(found.track.max(initial=0)) + int(plays.track.max(initial=0)) + 1
    candidate = found.row * n + found.track
    played = plays.row * n + plays.track
    distinct, inverse, times = np.unique(played, return_inverse=True, return_counts=True)
    latest = np.full(len(distinct), _NOT_PLAYED)
    np.minimum.at(latest, inverse, plays.age)
    earliest = np.zeros(len(distinct), np.int64)
    np.maximum.at(earliest, inverse, plays.age)
    place = np.minimum(np.searchsorted(distinct, candidate), max(len(distinct) - 1, 0))
    held = distinct[place] == candidate if len(distinct) else np.zeros(len(candidate), bool)
    lengths = np.maximum(plays.lengths, 1)
    same_prefix = plays.row[1:] == plays.row[:-1]
    at_once = same_prefix & (plays.track[1:] == plays.track[:-1])
    again = same_prefix & (plays.track[:-1] == plays.ago(0)[plays.row[:-1]])
    followed = np.unique(played[1:][again])
    different = np.bincount(distinct // n, minlength=plays.n) / lengths
    repeats_at_once = np.bincount(plays.row[1:][at_once], minlength=plays.n)
    of = found.row

    def where_held(values: Rows, otherwise: int) -> Rows:
        return np.where(held, values[place], otherwise) if len(values) else np.zeros(len(of), int)

    return {
        "length": plays.lengths[of],
        "played_ago": where_held(latest, _NOT_PLAYED),
        "first_ago": where_held(earliest, _NOT_PLAYED),
        "times": where_held(times, 0),
        "different": different[of],
        "at_once": repeats_at_once[of],
        "followed": np.isin(candidate, followed),
        "any_followed": np.isin(of, followed // n),
    }
