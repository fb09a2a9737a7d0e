"""Which rows of a data set are learned from, and which are held out: one rule a split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from segue.errors import ConfigError
from segue.features.listens import Listens

__all__ = [
    "GAP",
    "SPLITS",
    "TEST",
    "TRAIN",
    "VALID",
    "SplitName",
    "SplitRule",
    "parts_of",
    "with_validation",
]

SplitName = Literal["random", "leave-last", "time", "files", "sessions"]
SPLITS: Final[tuple[str, ...]] = get_args(SplitName)

GAP, TRAIN, VALID, TEST = -1, 0, 1, 2
_DAY: Final = 86_400.0

Parts = npt.NDArray[np.int8]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SplitRule:
    """How to hold out.

    Args:
        name: Which split.
        hold_out: random, time, sessions: the share of rows (or sessions) that is tested; the
            same share before it is for validation.
        last: leave-last: plays of each listener that are tested, and as many for validation.
        by: sessions: whether the last ones are held out, or some at random.
        gap_days: time: days before each cut that are neither learned from nor asked about.
    """

    name: SplitName
    hold_out: float = 0.1
    last: int = 1
    by: Literal["order", "random"] = "order"
    gap_days: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.hold_out < 0.5:
            raise ConfigError(
                f"--hold-out {self.hold_out:g} cannot be held out",
                field="hold_out",
                cure="Give a share between 0 and 0.5, such as 0.1.",
            )

    @property
    def is_drawn(self) -> bool:
        """Whether another seed holds out other rows."""
        return self.name == "random" or (self.name == "sessions" and self.by == "random")

    @property
    def refits(self) -> bool:
        """Whether a test learns from validation too.

        In published tables of random and fixed splits it does not; there validation is known to
        nobody and only kept out of the answers. Where time runs on, what came last is known.
        """
        return self.name in ("time", "sessions")

    def __str__(self) -> str:
        share = f"{self.hold_out:.0%}"
        kept = f"{1 - 2 * self.hold_out:.0%}"
        return {
            "random": f"random, {kept} : {share} : {share} of each listener's tracks",
            "leave-last": f"the last {self.last} of each listener",
            "time": f"the last {share} in time"
            + (f", {self.gap_days:g} days of gap" if self.gap_days else ""),
            "files": "files as given",
            "sessions": f"{share} of the sessions, {'the last' if self.by == 'order' else 'drawn'}",
        }[self.name]


def parts_of(data: Listens, rule: SplitRule, seed: int) -> Parts:
    """The part of every row: TRAIN, VALID, TEST, or GAP where it is in none; shape (n,).

    Raises:
        ConfigError: The data cannot be split so; the message says what they lack.
    """
    made = {
        "random": lambda: _random(data, rule.hold_out, seed),
        "leave-last": lambda: _leave_last(data, rule.last),
        "time": lambda: _time(data, rule),
        "files": lambda: _files(data),
        "sessions": lambda: _sessions(data, rule, seed),
    }[rule.name]()
    if not (made == TEST).any() or not (made == TRAIN).any():
        raise ConfigError(
            f"{data.name}: this split leaves nothing to "
            + ("learn from" if (made == TEST).any() else "ask about"),
            field="split",
            cure="Use more data, a larger --hold-out, or another --split.",
        )
    return made


def with_validation(data: Listens, parts: Parts, share: float, seed: int) -> Parts:
    """The same parts, validation drawn out of training where none is given; the test stays."""
    if (parts == VALID).any():
        return parts
    known = np.flatnonzero(parts == TRAIN)
    drawn = _random(data.some(parts == TRAIN), share, seed)
    found = parts.copy()
    found[known[drawn == TEST]] = VALID
    return found


def _random(data: Listens, share: float, seed: int) -> Parts:
    """Each listener's distinct tracks drawn into three parts; all plays of a track go together.

    Of n tracks, floor(share · n) are tested and as many validated, at least one each while there
    is one left to learn from: the rounding of RecBole, whose tables are compared with.
    """
    n_tracks = max(len(data.catalogue), 1)
    pairs, inverse = np.unique(data.listeners * n_tracks + data.tracks, return_inverse=True)
    owner = pairs // n_tracks
    drawn = np.random.default_rng(seed).random(len(pairs))
    order = np.lexsort((drawn, owner))
    counts = np.bincount(owner, minlength=data.n_listeners)
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    place = np.arange(len(pairs)) - np.repeat(starts, counts)
    tested, validated = _rounded(counts, share)
    left = np.repeat(counts, counts) - place
    part = np.where(left <= np.repeat(tested, counts), TEST, TRAIN)
    before = (left > np.repeat(tested, counts)) & (left <= np.repeat(tested + validated, counts))
    part[before] = VALID
    found = np.empty(len(pairs), np.int8)
    found[order] = part
    return found[inverse]


def _rounded(counts: Ints, share: float) -> tuple[Ints, Ints]:
    """How many of each listener's tracks are tested and validated."""
    tested = np.floor(share * counts + 1e-9).astype(np.int64)
    validated = tested.copy()
    for part in (tested, validated):
        lacks = (part == 0) & (counts - tested - validated > 1)
        part[lacks] = 1
    return tested, validated


def _leave_last(data: Listens, last: int) -> Parts:
    """The last rows of each listener; who has too few for all three parts is learned from."""
    if not data.is_dated and not (data.sessions >= 0).any():
        raise ConfigError(
            f"{data.name} does not tell the order of plays",
            field="split",
            cure="Use --split random, or a table with a column of times.",
        )
    at = np.nan_to_num(data.at)
    order = np.lexsort((np.arange(len(data)), at, data.listeners))
    counts = np.bincount(data.listeners, minlength=data.n_listeners)
    left = np.repeat(np.cumsum(counts), counts) - np.arange(len(data))
    enough = np.repeat(counts > 2 * last, counts)
    parts = np.full(len(data), TRAIN, np.int8)
    parts[order[enough & (left <= 2 * last)]] = VALID
    parts[order[enough & (left <= last)]] = TEST
    return parts


def _time(data: Listens, rule: SplitRule) -> Parts:
    """Two moments for everybody, so that nobody's future is learned from."""
    if not data.is_dated:
        raise ConfigError(
            f"{data.name} does not tell when each play was",
            field="split",
            cure="Use --split random, or a table with a column of times.",
        )
    test_cut = np.quantile(data.at, 1 - rule.hold_out)
    valid_cut = np.quantile(data.at, 1 - 2 * rule.hold_out)
    parts = np.full(len(data), TRAIN, np.int8)
    parts[data.at > valid_cut] = VALID
    parts[data.at > test_cut] = TEST
    for cut in (valid_cut, test_cut):
        parts[(data.at <= cut) & (data.at > cut - rule.gap_days * _DAY)] = GAP
    return parts


def _files(data: Listens) -> Parts:
    if not len(data.part):
        raise ConfigError(
            f"{data.name} is not given in parts",
            field="split",
            cure="Use --dataset split-files with a folder of train, valid and test files,"
            " or give the held-out file with --test.",
        )
    return data.part


def _sessions(data: Listens, rule: SplitRule, seed: int) -> Parts:
    """Whole sessions; the order is that of time where it is known, else the data's own."""
    runs = data.runs
    if not (runs >= 0).any():
        raise ConfigError(
            f"{data.name} has no sessions",
            field="split",
            cure="Use --split random, or data with sessions or times.",
        )
    names, first = np.unique(runs[runs >= 0], return_index=True)
    began = np.nan_to_num(data.at[runs >= 0][first])
    order = names[np.lexsort((names, began))]
    if rule.by == "random":
        order = np.random.default_rng(seed).permutation(order)
    n = max(1, round(rule.hold_out * len(order)))
    part_of = np.full(int(runs.max()) + 1, TRAIN, np.int8)
    given = len(data.part) > 0
    if given:  # the test is a file of its own: validation comes out of the rest
        tested = np.unique(runs[(runs >= 0) & (data.part == TEST)])
        rest = order[~np.isin(order, tested)]
        part_of[rest[-max(1, round(rule.hold_out * len(rest))) :]] = VALID
        part_of[tested] = TEST
    else:
        part_of[order[-2 * n : -n]] = VALID
        part_of[order[-n:]] = TEST
    return np.where(runs >= 0, part_of[runs], TRAIN).astype(np.int8)
