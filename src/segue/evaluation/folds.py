"""One training and its questions: what is learned from, what is asked, what would be right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from segue.errors import ConfigError
from segue.evaluation.data_splits import (
    GAP,
    TEST,
    TRAIN,
    VALID,
    SplitRule,
    parts_of,
    with_validation,
)
from segue.evaluation.track_sets import TrackSets
from segue.features.interactions import Interactions
from segue.features.listens import Listens, interactions_of, session_rows, training_part
from segue.features.training_data import Sessions, TrainingData

__all__ = [
    "DatedPlays",
    "Prefixes",
    "SessionFold",
    "Stage",
    "UserFold",
    "session_fold",
    "user_fold",
]

Stage = Literal["valid", "test"]
"""Choices are made on "valid" only; "test" is looked at once, for the table."""

_TRACKS_AT_ONCE: Final = 400_000

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DatedPlays:
    """Plays of each case, oldest first.

    Args:
        offsets: int64, shape (n_cases + 1,).
        tracks: int32 catalogue rows.
        at: float64 Unix seconds.
    """

    offsets: Ints
    tracks: npt.NDArray[np.int32]
    at: npt.NDArray[np.float64]


@dataclass(frozen=True)
class UserFold:
    """Listeners with held-out tracks, each a case.

    Args:
        training: What models learn from.
        listeners: The listener of every case, rows of the data set, shape (n_cases,).
        histories: What each case has heard and a model may know, n_cases × tracks, raw counts.
        masked: Tracks that are no answers besides those of `histories`: the other held-out part.
        relevant: Tracks that are right; never empty.
        repeats: Whether tracks of a case's own history may be answered and may be right.
        plays: Every play of `histories` with its time, where the data have times.
    """

    training: TrainingData
    listeners: Ints
    histories: Interactions
    masked: TrackSets
    relevant: TrackSets
    repeats: bool
    plays: DatedPlays | None = None

    def __len__(self) -> int:
        return len(self.listeners)


@dataclass(frozen=True)
class Prefixes:
    """Beginnings of sessions, and the track that came next.

    Args:
        sessions: The beginnings.
        targets: int32, the next track of each, shape (n,).
        owners: Which held-out session each is of, shape (n,).
    """

    sessions: Sessions
    targets: npt.NDArray[np.int32]
    owners: Ints


@dataclass(frozen=True)
class SessionFold:
    """Held-out sessions; every beginning of each is a case.

    Args:
        training: What models learn from.
        sessions: Held-out sessions of two tracks or more.
        at: Unix seconds of every play in them, 0 where unknown.
        n_held_out: How many sessions were held out, with those too short to ask about.
        n_plays: Plays in them.
        n_unseen: Plays of tracks that training does not have.
        unseen: Whether those were kept; else they were taken out of the sessions.
    """

    training: TrainingData
    sessions: Sessions
    at: Ints
    n_held_out: int
    n_plays: int
    n_unseen: int
    unseen: Literal["drop", "keep"]

    def __len__(self) -> int:
        return int(np.diff(self.sessions.offsets).sum() - len(self.sessions))

    def blocks(self, at_once: int = 4096) -> Iterator[Prefixes]:
        """All cases, some at a time: at most `at_once`, fewer where sessions are long."""
        lengths = np.diff(self.sessions.offsets)
        cases = lengths - 1
        owner = np.repeat(np.arange(len(lengths)), cases)
        length = np.arange(len(owner)) - np.repeat(np.cumsum(cases) - cases, cases) + 1
        size = np.cumsum(length)
        start = 0
        while start < len(owner):
            before = size[start - 1] if start else 0
            stop = int(np.searchsorted(size, before + _TRACKS_AT_ONCE, side="right"))
            stop = min(max(stop, start + 1), start + at_once)
            yield self._prefixes(owner[start:stop], length[start:stop])
            start = stop

    def _prefixes(self, owner: Ints, length: Ints) -> Prefixes:
        begin = self.sessions.offsets[owner]
        offsets = np.concatenate(([0], np.cumsum(length)))
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], length)
        tracks = self.sessions.tracks[np.repeat(begin, length) + within]
        # the end of a beginning is its last play: when the session ended is not known yet
        ended = self.at[begin + length - 1]
        sessions = Sessions(offsets.astype(np.int64), tracks, ended)
        return Prefixes(sessions, self.sessions.tracks[begin + length], owner)


def user_fold(
    data: Listens,
    rule: SplitRule,
    *,
    seed: int,
    stage: Stage,
    repeats: bool = False,
    limit: int | None = None,
) -> UserFold:
    """Hold out tracks of listeners.

    Args:
        seed: Of a random split, and of which listeners are asked where there is a limit.
        repeats: Whether what a listener knows may be right; else it is masked.
        limit: Ask about so many listeners at most, drawn at random.

    Raises:
        ConfigError: The data cannot be split so.
    """
    parts = parts_of(data, rule, seed)
    if stage == "valid" and rule.name == "files":
        parts = with_validation(data, parts, rule.hold_out, seed)
    known, asked, other = _roles(parts, rule, stage)
    listeners = np.unique(data.listeners[asked])
    whole = [_sets(data, rows, listeners) for rows in (asked, known, other)]
    relevant, history, masked = whole
    if not repeats:
        relevant = relevant.without(history)
    relevant = relevant.without(masked)
    kept = np.flatnonzero(relevant.sizes > 0)
    if limit is not None and len(kept) > limit:
        kept = np.sort(np.random.default_rng(seed).choice(kept, limit, replace=False))
    if not len(kept):
        raise ConfigError(
            f"{data.name}: no listener has a held-out track that could be found",
            field="split",
            cure="Use more data, a larger --hold-out, or --repeats where people play again.",
        )
    return UserFold(
        training=training_part(data, known),
        listeners=listeners[kept],
        histories=interactions_of(data, known, listeners[kept]),
        masked=masked.take(kept),
        relevant=relevant.take(kept),
        repeats=repeats,
        plays=_dated(data, known, listeners[kept]) if data.is_dated else None,
    )


def session_fold(
    data: Listens,
    rule: SplitRule,
    *,
    seed: int,
    stage: Stage,
    unseen: Literal["drop", "keep"] = "drop",
    limit: int | None = None,
) -> SessionFold:
    """Hold out whole sessions.

    Args:
        unseen: What becomes of held-out plays of tracks that training does not have: taken out of
            the sessions, as in published tables, or kept, where nobody can guess them.
        limit: Ask about so many sessions at most, drawn at random.

    Raises:
        ConfigError: The data cannot be split so.
    """
    parts = parts_of(data, rule, seed)
    known, asked, _ = _roles(parts, rule, stage)
    trained = np.zeros(len(data.catalogue), bool)
    trained[data.tracks[known]] = True
    new = asked & ~trained[data.tracks]
    rows, offsets = session_rows(data, asked & ~new if unseen == "drop" else asked, data.runs)
    chosen = np.flatnonzero(np.diff(offsets) >= 2)
    if limit is not None and len(chosen) > limit:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, limit, replace=False))
    if not len(chosen):
        raise ConfigError(
            f"{data.name}: no held-out session has two tracks that training knows",
            field="split",
            cure="Use more data, or a larger --hold-out.",
        )
    rows, offsets = _chosen(rows, offsets, chosen)
    at = np.nan_to_num(data.at[rows]).astype(np.int64)
    return SessionFold(
        training=training_part(data, known),
        sessions=Sessions(offsets, data.tracks[rows], at[offsets[1:] - 1]),
        at=at,
        n_held_out=len(np.unique(data.runs[asked])),
        n_plays=int(asked.sum()),
        n_unseen=int(new.sum()),
        unseen=unseen,
    )


def _roles(
    parts: npt.NDArray[np.int8], rule: SplitRule, stage: Stage
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Rows that are known, that are asked about, and that are neither and yet no answers."""
    known, valid, test = parts == TRAIN, parts == VALID, parts == TEST
    nothing = parts == GAP
    if stage == "valid":
        if not valid.any():
            raise ConfigError(
                "nothing is held out for validation",
                field="split",
                cure="Give a valid file beside train and test, or use another --split.",
            )
        return known, valid, np.zeros_like(nothing)
    if rule.refits:
        return known | valid, test, np.zeros_like(nothing)
    return known, test, valid


def _sets(data: Listens, rows: npt.NDArray[np.bool_], listeners: Ints) -> TrackSets:
    place = np.full(data.n_listeners, -1, np.int64)
    place[listeners] = np.arange(len(listeners))
    at = place[data.listeners[rows]]
    kept = at >= 0
    return TrackSets.of_pairs(
        at[kept], data.tracks[rows][kept], n_rows=len(listeners), n_tracks=len(data.catalogue)
    )


def _dated(data: Listens, rows: npt.NDArray[np.bool_], listeners: Ints) -> DatedPlays:
    place = np.full(data.n_listeners, -1, np.int64)
    place[listeners] = np.arange(len(listeners))
    mine = np.flatnonzero(rows & (place[data.listeners] >= 0))
    owner = place[data.listeners[mine]]
    order = np.lexsort((mine, data.at[mine], owner))
    counts = np.bincount(owner, minlength=len(listeners))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return DatedPlays(offsets, data.tracks[mine[order]], data.at[mine[order]])


def _chosen(rows: Ints, offsets: Ints, chosen: Ints) -> tuple[Ints, Ints]:
    """The rows of some sessions, and where each begins."""
    lengths = np.diff(offsets)[chosen]
    ends = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    within = np.arange(ends[-1]) - np.repeat(ends[:-1], lengths)
    return rows[np.repeat(offsets[chosen], lengths) + within], ends
