"""Training and the best 100 for every user, beside what somebody would use instead."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from bench.world import World

__all__ = ["SIZES", "ndcg", "run"]

K: Final = 10
_QUIET: Final = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
"""As implicit itself advises; without it, it takes several times as long."""
HELD_OUT: Final = 0.1
_LONG: Final = 10_000_000  # plays from which on nobody waits for what is slower anyway


GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "ALS": ("als", "implicit_als_alike", "implicit_als"),
    "item-kNN, cosine": ("item_knn", "implicit_cosine"),
    "item-kNN, TF-IDF": ("item_knn_tfidf", "implicit_tfidf"),
    "item-kNN, BM25": ("item_knn_bm25", "implicit_bm25"),
}
"""What is compared: ours first."""


@dataclass(frozen=True)
class Size:
    """How much there is to learn from.

    Args:
        rounds: How often each side is run, in turn with the other.
        answered: How many of the users are answered.
        groups: Which comparisons are made.
    """

    n_users: int
    n_tracks: int
    n_pairs: int
    rounds: int
    answered: int
    groups: tuple[str, ...] = tuple(GROUPS)


SIZES: Final[Mapping[str, Size]] = {
    "small": Size(3_000, 5_000, 300_000, 1, 3_000),
    "3m": Size(30_000, 50_000, 3_000_000, 1, 30_000),
    "30m": Size(300_000, 500_000, 30_000_000, 1, 30_000, ("ALS", "item-kNN, cosine")),
}


def run(
    size: str = "3m",
    *,
    groups: Sequence[str] = tuple(GROUPS),
    others: Mapping[str, str] | None = None,
) -> list[str]:
    """A line for each side: seconds, NDCG, memory, and how ours compares.

    Args:
        size: One of SIZES.
        groups: Which comparisons, as far as the size makes them.
        others: Side -> the Python of an environment that has its library (see `bench.elsewhere`).
    """
    plan = SIZES[size]
    lines = [
        f"{plan.n_pairs:,} plays of {plan.n_users:,} listeners and {plan.n_tracks:,} tracks, "
        f"{HELD_OUT:.0%} held out; {plan.answered:,} listeners answered; "
        f"{os.cpu_count()} cores, sides in turn.",
        "",
        "| | training | CPU | best 100 | CPU | both, beside ours | NDCG@10 | peak memory |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        test, ours = _drawn(plan, folder), None
        for group in plan.groups:
            if group in groups:
                more, seconds = _compared(group, plan, folder, test)
                lines += more
                ours = seconds if group == "ALS" else ours
        for side, python in (others or {}).items():
            try:
                facts = _measured(side, folder, test, python)
            except subprocess.CalledProcessError as error:
                lines.append(f"| {_NAMES[side]} | failed with exit code {error.returncode} |")
                continue
            lines.append(_line(side, [facts], ours))
    return lines


def _drawn(plan: Size, folder: Path) -> sp.csr_array:
    """Plays to learn from in a file; those held out are returned."""
    plays = World(plan.n_tracks).listens(plan.n_users, plan.n_pairs)
    rng = np.random.default_rng(11)
    held = rng.random(plays.nnz) < HELD_OUT
    train, test = plays.copy(), plays.copy()
    train.data = np.where(held, 0, train.data).astype(np.float32)
    test.data = np.where(held, 1, 0).astype(np.float32)
    train.eliminate_zeros()
    test.eliminate_zeros()
    sp.save_npz(folder / "train.npz", train, compressed=False)
    (folder / "answered").write_text(str(plan.answered), encoding="utf-8")
    return test[: plan.answered]


def _compared(group: str, plan: Size, folder: Path, test: sp.csr_array) -> tuple[list[str], float]:
    """A line for each side, and the seconds of ours."""
    sides = GROUPS[group]
    if plan.n_pairs > _LONG:
        sides = tuple(side for side in sides if side != "implicit_als")
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for turn in range(plan.rounds):
        for side in sides if turn % 2 == 0 else sides[::-1]:
            found[side].append(_measured(side, folder, test))
    ours = _mean(found[sides[0]], "train") + _mean(found[sides[0]], "top")
    lines = [_line(side, found[side], None if side == sides[0] else ours) for side in sides]
    print("\n".join(lines), file=sys.stderr, flush=True)
    return lines, ours


def _measured(
    side: str, folder: Path, test: sp.csr_array, python: str = sys.executable
) -> dict[str, float]:
    """Run one side in a process of its own."""
    done = subprocess.run(
        [python, "-m", "bench.rivals", side, str(folder)],
        cwd=Path(__file__).parents[1],
        env={**os.environ, **_QUIET},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    facts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    facts["ndcg"] = ndcg(np.load(folder / f"{side}.npy", mmap_mode="r"), test)
    return facts


def ndcg(tracks: npt.NDArray[np.int32], test: sp.csr_array, k: int = K) -> float:
    """Mean over users with something held out (Järvelin and Kekäläinen 2002)."""
    gain = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(gain)])
    wanted = np.diff(test.indptr)
    users = np.flatnonzero(wanted)
    keys = np.repeat(np.arange(test.shape[0]), wanted) * test.shape[1] + test.indices
    total = 0.0
    for start in range(0, len(users), 10_000):
        some = users[start : start + 10_000]
        asked = some[:, None] * test.shape[1] + np.asarray(tracks[some, :k], dtype=np.int64)
        hits = np.isin(asked, keys[test.indptr[some[0]] : test.indptr[some[-1] + 1]])
        hits &= np.asarray(tracks[some, :k]) >= 0
        total += float(((hits * gain).sum(axis=1) / ideal[np.minimum(wanted[some], k)]).sum())
    return total / max(len(users), 1)


def _mean(runs: Sequence[Mapping[str, float]], name: str) -> float:
    return float(np.mean([run[name] for run in runs]))


_NAMES: Final[Mapping[str, str]] = {
    "als": "**Segue ALS**",
    "item_knn": "**Segue item-kNN, cosine**",
    "item_knn_tfidf": "**Segue item-kNN, TF-IDF**",
    "item_knn_bm25": "**Segue item-kNN, BM25, settings like implicit's**",
    "implicit_als": "implicit ALS, its defaults (100 factors)",
    "implicit_als_alike": "implicit ALS, settings like ours",
    "implicit_cosine": "implicit item-kNN, cosine",
    "implicit_tfidf": "implicit item-kNN, TF-IDF",
    "implicit_bm25": "implicit item-kNN, BM25",
    "rectools_als": "RecTools ALS",
    "lenskit_als": "LensKit ALS",
}


def _line(side: str, runs: Sequence[Mapping[str, float]], ours: float | None) -> str:
    both = _mean(runs, "train") + _mean(runs, "top")
    beside = f"{both / ours:.2f} ×" if ours else "1"
    return (
        f"| {_NAMES[side]} | {_mean(runs, 'train'):.1f} s | {_mean(runs, 'train_cpu'):.0f} s "
        f"| {_mean(runs, 'top'):.1f} s | {_mean(runs, 'top_cpu'):.0f} s | {beside} "
        f"| {_mean(runs, 'ndcg'):.4f} | {_mean(runs, 'peak_mib'):,.0f} MiB |"
    )
