"""The second stage: trees that learned, from sessions the first stage had not seen, what came."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.training_data import Sessions
from segue.recommenders.next_track.features import features
from segue.recommenders.next_track.memory import Memory
from segue.recommenders.next_track.prefixes import prefixes_of
from segue.recommenders.next_track.proposals import Proposals, proposals
from segue.recommenders.session_votes import blocks

__all__ = ["Lessons", "Ranker", "lessons", "taught"]

_AT_ONCE: Final = 256
_OF_THE_OTHERS: Final = 0.4
_FILE: Final = "ranker.txt"

_LEARNING: Final[dict[str, Any]] = {
    "objective": "lambdarank",
    "learning_rate": 0.06,
    "num_leaves": 20,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambdarank_truncation_level": 50,
    "max_bin": 127,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lessons:
    """Candidates of many prefixes with what came next.

    Args:
        table: float32, shape (n, n_features).
        right: Whether the candidate came next, shape (n,).
        groups: Candidates of each prefix, in order.
        names: Of the features.
    """

    table: Floats
    right: npt.NDArray[np.bool_]
    groups: Rows
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.groups)


@dataclass(frozen=True)
class Ranker:
    """LightGBM's trees, kept as its own text."""

    text: str

    @cached_property
    def _booster(self) -> Any:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import lightgbm

        return lightgbm.Booster(model_str=self.text)

    def scores(self, table: Floats, *, threads: int = 0) -> npt.NDArray[np.float64]:
        """Of each row; comparable within a prefix."""
        if not len(table):
            return np.zeros(0)
        return np.asarray(self._booster.predict(table, num_threads=threads), np.float64)

    def save(self, folder: Path) -> None:
        """Write the text."""
        (folder / _FILE).write_text(self.text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read it back; nothing is imported before it is asked."""
        return cls((folder / _FILE).read_text(encoding="utf-8"))


def lessons(memory: Memory, sessions: Sessions, *, most: int, seed: int) -> Lessons:
    """What the first stage would have said in sessions later than all that it knows.

    Prefixes whose next track was not among the candidates teach nothing and are left out.

    Args:
        most: Prefixes looked at; more sessions are drawn from.
    """
    rng = np.random.default_rng(seed)
    prefixes, targets = prefixes_of(_drawn(sessions, most, rng))
    tables, rights, groups = [], [], []
    names: tuple[str, ...] = ()
    for found, wanted in _answers(memory, prefixes, targets):
        values = features(memory, found)
        names = tuple(values)
        right = found.track == wanted[found.row]
        kept = _kept(found, right, rng)
        tables.append(np.stack([value[kept] for value in values.values()], axis=1))
        rights.append(right[kept])
        sizes = np.bincount(found.row[kept])
        groups.append(sizes[sizes > 0])
    if not tables:
        return Lessons(np.empty((0, 0), np.float32), np.empty(0, bool), np.empty(0, np.int64), ())
    return Lessons(np.concatenate(tables), np.concatenate(rights), np.concatenate(groups), names)


def taught(lesson: Lessons, *, rounds: int, seed: int, threads: int) -> Ranker:
    """LambdaMART over the lessons.

    Burges (2010), "From RankNet to LambdaRank to LambdaMART: An Overview", as LightGBM has it.
    """
    # idle OpenMP threads that spin take the cores from whoever else works on this machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import lightgbm

    learning = {**_LEARNING, "seed": seed, "num_threads": threads}
    data = lightgbm.Dataset(
        lesson.table,
        lesson.right.astype(np.int8),
        group=lesson.groups,
        feature_name=list(lesson.names),
        params=learning,
    )
    text = lightgbm.train(learning, data, num_boost_round=rounds).model_to_string()
    # the number of threads is no part of what was learned: equal models are to have equal bytes
    return Ranker(text.replace(f"[num_threads: {threads}]", "[num_threads: 0]"))


def _answers(memory: Memory, prefixes: Sessions, targets: Rows) -> Iterator[tuple[Proposals, Rows]]:
    begin = 0
    for block in blocks(prefixes, _AT_ONCE):
        yield proposals(memory, block), targets[begin : begin + len(block)]
        begin += len(block)


def _drawn(sessions: Sessions, most: int, rng: np.random.Generator) -> Sessions:
    """Whole sessions at random, in their order, with about `most` prefixes."""
    lengths = np.diff(sessions.offsets)
    drawn = rng.permutation(len(sessions))
    drawn = np.sort(drawn[: int(np.searchsorted(np.cumsum(lengths[drawn] - 1), most)) + 1])
    lengths = lengths[drawn]
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    index = np.arange(offsets[-1]) + np.repeat(sessions.offsets[drawn] - offsets[:-1], lengths)
    return Sessions(offsets, sessions.tracks[index], sessions.ended_at[drawn])


def _kept(found: Proposals, right: npt.NDArray[np.bool_], rng: np.random.Generator) -> Rows:
    """All that came next, and of the others some at random.

    At random among all: trees that see the low ranks less often than they occur rank worse.
    """
    answered = np.bincount(found.row, weights=right, minlength=found.plays.n) > 0
    chosen = right | (rng.random(len(right)) < _OF_THE_OTHERS)
    return np.flatnonzero(chosen & answered[found.row])
