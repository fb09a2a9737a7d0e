"""Look back: one listener's history for a page, part by part, each worked out once a snapshot."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar

from segue.analytics.drift import Drift, drift
from segue.analytics.heard import Heard, sum_up
from segue.analytics.newness import Newness, newness
from segue.analytics.periods import period_for, period_of_mixes
from segue.analytics.rhythm import Clock, Streaks, clock, streaks
from segue.analytics.tops import OF, By, Of, Ranked, most, top
from segue.analytics.totals import Timeline, Totals, timeline, totals, totals_before
from segue.analytics.windows import Window, Wish, window_of, zone_of
from segue.errors import NotReadyError
from segue.flows.own_marts import take_in
from segue.flows.stats import bounds
from segue.warehouse.beside import Beside
from segue.warehouse.snapshot_database import SnapshotDatabase, open_snapshot
from segue.warehouse.snapshots import SnapshotStore

__all__ = ["Asked", "HeardThen", "Histories", "HistoryPage", "Overview", "Place", "Tops"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_KEPT: Final = 48  # answers; the largest, every day of ten years, takes some 0.5 MB
_MEMORY: Final = "512MB"
_COLUMNS: Final = "played_at, play_id, track_id, ms_played, skipped, finished, counted, not_me"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose history, and which part of it.

    Args:
        user_id: Whose.
        wish: The window, in their words.
        time_zone: Its name; days and hours are told as a clock there does.
    """

    user_id: str
    wish: Wish
    time_zone: str


@dataclass(frozen=True, slots=True)
class Overview:
    """How much, when, and how much of it new.

    Args:
        window: Of which span.
        totals: Of the window.
        before: Of the window before; None without one.
        days: Each day of the window -> its counted plays.
        timeline: The window in periods that are few enough to be drawn.
        clock: Hours of the week.
        streaks: Days in a row.
        new: New against known.
    """

    window: Window
    totals: Totals
    before: Totals | None
    days: Mapping[date, int]
    timeline: Timeline
    clock: Clock
    streaks: Streaks
    new: Newness


@dataclass(frozen=True, slots=True)
class Tops:
    """What was heard most and skipped most, by kind of thing."""

    heard: Mapping[Of, tuple[Ranked, ...]]
    skipped: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list of plays goes on: after this play, which is not shown again."""

    played_at: datetime
    play_id: str


@dataclass(frozen=True, slots=True)
class HeardThen:
    """One play of the list.

    Args:
        played_at: Its start, aware, in the listener's zone.
        track_id: What was played.
        ms_played: Milliseconds heard; None where the source does not tell.
        skipped: Left early by the listener's hand.
        finished: Heard to the end.
        counted: Long enough to count.
        not_me: Somebody else listened.
    """

    played_at: datetime
    track_id: str
    ms_played: int | None
    skipped: bool
    finished: bool
    counted: bool
    not_me: bool


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some plays, the latest first, and where the next page begins; None: these are the last."""

    plays: tuple[HeardThen, ...]
    following: Place | None


class Histories:
    """All histories of a data home, read from the snapshot that is published at the moment.

    One database stays open between questions, with the rows of the listener and the sums of the
    window that were asked for last, so that the parts of a page read the plays once. Questions
    are answered one by one.

    Args:
        snapshots: Of the data home.
        threads: DuckDB's; 0 means all cores.
    """

    def __init__(self, snapshots: SnapshotStore, *, threads: int = 0) -> None:
        self._snapshots = snapshots
        self._threads = threads
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._database: SnapshotDatabase | None = None
        self._beside = Beside(snapshots.folder)
        self._name = ""
        self._taken_in: str | None = None
        self._heard: tuple[Asked, Heard] | None = None
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def span(self, user_id: str, time_zone: str) -> tuple[datetime, datetime]:
        """When the first and the last play of all began, in the listener's zone.

        Raises:
            UnknownUserError: Nothing is known of the user.
            NotReadyError: There are no plays.
            ConfigError: The time zone cannot be read.
        """
        zone = zone_of(time_zone)
        key = ("span", user_id)
        first, last = self._answer(key, None, lambda database: bounds(database, user_id))
        return first.astimezone(zone), last.astimezone(zone)

    def at_hand(self, asked: Asked, *, now: datetime) -> bool:
        """Whether `overview` would answer at once."""
        with self._lock:
            self._current()
            return _key_of(asked, now) in self._kept

    def overview(self, asked: Asked, *, now: datetime) -> Overview:
        """How much, when, and how much of it new.

        Args:
            asked: Whose history, and which window.
            now: Aware; says which days are not over yet.

        Raises:
            UnknownUserError: Nothing is known of the user.
            NotReadyError: There are no plays, or none in the window.
            ConfigError: The window or the time zone cannot be read.
        """
        zone = zone_of(asked.time_zone)
        today = now.astimezone(zone)

        def work_out(database: SnapshotDatabase) -> Overview:
            heard = self._sums(database, asked)
            summed = totals(heard)
            if not summed.starts:
                first, last = bounds(database, asked.user_id)
                raise NotReadyError(
                    f"{asked.user_id} played nothing in this window ({heard.window.label})",
                    cure=f"The plays here are from {first.astimezone(zone):%-d %b %Y}"
                    f" to {last.astimezone(zone):%-d %b %Y}.",
                )
            every = period_for(heard.window.span)
            days = timeline(heard, "day")
            return Overview(
                window=heard.window,
                totals=summed,
                before=totals_before(heard),
                days={period.begins: period.plays for period in days.periods},
                timeline=days if every == "day" else timeline(heard, every),
                clock=clock(heard),
                streaks=streaks(heard, today),
                new=newness(heard, every),
            )

        return self._answer(_key_of(asked, now), asked.user_id, work_out)

    def tops(self, asked: Asked, *, by: By = "plays", limit: int = 10) -> Tops:
        """What was heard most, and what was skipped most; raises as `overview` does."""

        def work_out(database: SnapshotDatabase) -> Tops:
            heard = self._sums(database, asked)
            ranked = {of: top(heard, of, by=by, limit=limit) for of in OF}
            return Tops(ranked, most(heard, "skips", limit=limit))

        return self._answer(("tops", asked, by, limit), asked.user_id, work_out)

    def drift(self, asked: Asked) -> Drift | None:
        """How taste moved; None where too little was played. Raises as `overview` does."""

        def work_out(database: SnapshotDatabase) -> Drift | None:
            heard = self._sums(database, asked)
            return drift(heard, period_of_mixes(heard.window.span))

        return self._answer(("drift", asked), asked.user_id, work_out)

    def plays(
        self,
        user_id: str,
        *,
        after: Place | None = None,
        until: datetime | None = None,
        time_zone: str = "UTC",
        limit: int = 60,
    ) -> HistoryPage:
        """A page of the list of plays, the latest first; it costs the same wherever it begins.

        Args:
            user_id: Whose.
            after: Go on after this play.
            until: Begin before this moment, aware.
            time_zone: In which the starts are told.
            limit: The most plays.
        """
        zone = zone_of(time_zone)
        conditions = ["user_id = $user_id"]
        values: dict[str, Any] = {"user_id": user_id, "limit": limit + 1}
        if until is not None:
            conditions.append("played_at < $until")
            values["until"] = until
        if after is not None:
            # the first half alone lets whole parts of the file be passed over
            conditions.append("played_at <= $at AND (played_at < $at OR play_id < $play_id)")
            values |= {"at": after.played_at, "play_id": after.play_id}
        sql = (
            f"SELECT {_COLUMNS} FROM plays WHERE {' AND '.join(conditions)}"
            " ORDER BY played_at DESC, play_id DESC LIMIT $limit"
        )
        key = ("plays", *sorted((name, str(value)) for name, value in values.items()), time_zone)
        rows = self._answer(key, user_id, lambda database: database.table(sql, values).to_pylist())
        following = None
        if len(rows) > limit:
            last = rows[limit - 1]
            following = Place(last["played_at"], last["play_id"])
        plays = tuple(
            HeardThen(
                played_at=row["played_at"].astimezone(zone),
                **{name: value for name, value in row.items() if name in _SHOWN},
            )
            for row in rows[:limit]
        )
        return HistoryPage(plays, following)

    def names(self, track_ids: Sequence[str]) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """Title and artists of tracks, as far as the snapshot knows them."""
        sql = (
            "SELECT track_id, title, artists FROM memory.main.tracks WHERE title IS NOT NULL"
            " AND track_id IN (SELECT unnest($track_ids))"
        )
        asked = sorted(set(track_ids))
        rows = self._answer(
            ("names", *asked),
            None,
            lambda database: database.table(sql, {"track_ids": asked}).to_pylist(),
        )
        return {row["track_id"]: (row["title"], tuple(row["artists"] or ())) for row in rows}

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            self._forget()

    def _sums(self, database: SnapshotDatabase, asked: Asked) -> Heard:
        if self._heard is None or self._heard[0] != asked:
            first, last = bounds(database, asked.user_id)
            window = window_of(asked.wish, zone_of(asked.time_zone), first=first, last=last)
            self._heard = None  # its tables are about to be others
            self._heard = (asked, sum_up(database, asked.user_id, window, asked.time_zone))
        return self._heard[1]

    def _answer(
        self, key: Hashable, user_id: str | None, work_out: Callable[[SnapshotDatabase], _T]
    ) -> _T:
        """What is worked out, or was before.

        Args:
            user_id: Whose plays it is about; None: it is about none.
        """
        with self._lock:
            database = self._current()
            if key in self._kept:
                self._kept.move_to_end(key)
                kept: _T = self._kept[key]
                return kept
            if user_id is not None and user_id != self._taken_in:
                self._taken_in, self._heard = None, None
                take_in(database, user_id, snapshot=self._name, beside=self._beside)
                self._taken_in = user_id
            found = work_out(database)
            self._kept[key] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return found

    def _current(self) -> SnapshotDatabase:
        snapshot = self._snapshots.current()
        if self._database is None or snapshot.name != self._name:
            self._forget()
            opened = open_snapshot(snapshot, memory_limit=_MEMORY, threads=self._threads)
            self._database = self._open.enter_context(opened)
            self._name = snapshot.name
            _log.info("histories are read from %s", snapshot.name)
        return self._database

    def _forget(self) -> None:
        self._open.close()
        self._kept.clear()
        self._database, self._taken_in, self._heard, self._name = None, None, None, ""


def _key_of(asked: Asked, now: datetime) -> Hashable:
    return "overview", asked, now.astimezone(zone_of(asked.time_zone)).date()


_SHOWN: Final = frozenset(("track_id", "ms_played", "skipped", "finished", "counted", "not_me"))
