"""Rules of the settings by which plays are somebody else's: kept, and left out of one's taste."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.features.feedback_log import without_not_me
from segue.flows.build import build
from segue.flows.feedback import keep_words
from segue.flows.fresh_marts import FreshMarts
from segue.flows.listener import Marts
from segue.music import columns as c
from segue.music.feedback import NOT_ME, PLAYS, RULES, UNDO
from segue.music.lake_tables import FEEDBACK
from segue.music.names import artist_key
from segue.settings.household import WEEKDAYS, NotMine
from segue.warehouse.lake import Lake

if TYPE_CHECKING:
    from segue.flows.wiring import Wiring
    from segue.progress import Progress
    from segue.warehouse.base import BuildReport

__all__ = ["build_by_rules", "plays_by_rule", "settle"]

_log = logging.getLogger(__name__)
_COLUMNS: Final = (c.PLAY_ID, c.TRACK_ID, c.ARTIST_ID, c.PLAYED_AT, c.PLATFORM, c.SESSION_ID)
_MOMENT: Final = pa.timestamp("us", tz="UTC")
_AFTER: Final = timedelta(microseconds=1)

Mask = npt.NDArray[np.bool_]
Span = tuple[int, int]
"""First and last start of plays, in microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class _History:
    """A user's plays, oldest first.

    Args:
        at: Their starts, int64, microseconds.
    """

    plays: pa.Table
    at: npt.NDArray[np.int64]

    @classmethod
    def of(cls, snapshot: Marts, user_id: str) -> _History:
        plays = snapshot.read(
            "plays", columns=list(_COLUMNS), filters=pc.field(c.USER_ID) == user_id
        )
        plays = plays.sort_by([(c.PLAYED_AT, "ascending"), (c.PLAY_ID, "ascending")])
        return cls(plays, plays[c.PLAYED_AT].cast(_MOMENT).cast(pa.int64()).to_numpy())

    def inside(self, spans: Iterable[Span]) -> Mask:
        """Which plays began in one of some spans."""
        found = np.zeros(len(self.at), dtype=bool)
        for first, last in spans:
            begin, end = np.searchsorted(self.at, first), np.searchsorted(self.at, last, "right")
            found[int(begin) : int(end)] = True
        return found

    def spans(self, wanted: Mask) -> Iterator[Span]:
        """Runs of plays that are wanted, with no other play between them."""
        edges = np.flatnonzero(np.diff(np.concatenate(([0], wanted.astype(np.int8), [0]))))
        for begin, end in edges.reshape(-1, 2).tolist():
            yield int(self.at[begin]), int(self.at[end - 1])


def build_by_rules(
    wiring: Wiring,
    *,
    zone: tzinfo,
    clock: Callable[[], datetime],
    progress: Progress,
    replay: bool = False,
) -> BuildReport:
    """Build what is in the lake; once more, if rules say of new plays that they are not one's own.

    Args:
        zone: On whose clocks days and hours are told.
        replay: Make everything again.

    Raises:
        NotReadyError: Nothing was imported yet.
        BusyError: Another build is under way.
        WarehouseError: A lake file is damaged, or a dbt model or test failed.
    """

    def once(anew: bool) -> BuildReport:
        return build(
            lake=wiring.lake,
            warehouse=wiring.warehouse,
            snapshots=wiring.snapshots,
            progress=progress,
            now=clock(),
            replay=anew,
        )

    report = once(replay)
    return once(False) if settle(wiring, zone=zone, now=clock()) else report


def settle(wiring: Wiring, *, zone: tzinfo, now: datetime) -> bool:
    """Say `not_me` of plays that the rules mean, and take it back of those they mean no more.

    It is said as people say it, for spans of time, so that whoever reads plays knows it: a
    word that was said by hand since stands, and what was said by hand before is said once more
    where a rule that covered it is gone.

    Returns:
        Whether anything was said.

    Raises:
        NotReadyError: Nothing was built yet.
        BusyError: Something else is writing to the lake.
    """
    settings, lake = wiring.settings, wiring.lake
    rules: dict[str, list[NotMine]] = {}
    for rule in settings.not_mine:
        rules.setdefault(rule.user or settings.user_id, []).append(rule)
    said, latest = _said(lake)
    snapshot = wiring.snapshots.current()
    changed = False
    for user in sorted({*rules, *said}):
        rows = _words(snapshot, lake, user, rules.get(user, []), said.get(user, []), zone)
        if rows:
            _keep(lake, user, rows, max(now, latest.get(user, now) + _AFTER))
            changed = True
    return changed


def plays_by_rule(
    snapshot: Marts, rules: Sequence[NotMine], main: str, zone: tzinfo
) -> tuple[int, ...]:
    """How many plays each rule means."""
    histories: dict[str, _History] = {}
    found = []
    for rule in rules:
        user = rule.user or main
        if user not in histories:
            histories[user] = _History.of(snapshot, user)
        found.append(int(_meant(rule, histories[user], snapshot, zone).sum()))
    return tuple(found)


def _words(
    snapshot: Marts,
    lake: Lake,
    user: str,
    rules: Sequence[NotMine],
    standing: Sequence[Span],
    zone: tzinfo,
) -> list[tuple[str, Span]]:
    """What is to be said: verb and span, in their order."""
    history = _History.of(snapshot, user)
    meant = np.zeros(len(history.at), dtype=bool)
    for rule in rules:
        meant |= _meant(rule, history, snapshot, zone)
    undone = [span for span in standing if bool((history.inside([span]) & ~meant).any())]
    kept = [span for span in standing if span not in set(undone)]
    again = meant.copy()
    if undone:
        again |= history.inside(undone) & _by_hand(snapshot, lake, user, history)
    wanted = again & ~history.inside(kept)
    words = [(UNDO, span) for span in undone]
    return words + [(NOT_ME, span) for span in history.spans(wanted)]


def _by_hand(snapshot: Marts, lake: Lake, user: str, history: _History) -> Mask:
    """Which plays are not the user's by what was said by hand."""
    log = FreshMarts(snapshot, lake).read("feedback")
    log = log.filter(pc.not_equal(log[c.SOURCE], RULES))
    kept = without_not_me(history.plays, log, user_id=user)[c.PLAY_ID]
    mine = pc.is_in(history.plays[c.PLAY_ID], value_set=kept.combine_chunks())
    return ~np.asarray(mine.to_numpy(), dtype=bool)


def _said(lake: Lake) -> tuple[dict[str, list[Span]], dict[str, datetime]]:
    """User -> spans of which rules still say that they are not theirs; and when they last spoke."""
    columns = (c.USER_ID, c.SOURCE, c.VERB, c.SINCE, c.UNTIL, c.SAID_AT)
    rows = lake.rows(FEEDBACK.name, columns)
    rows = rows.filter(pc.equal(rows[c.SOURCE], RULES)).sort_by(c.SAID_AT)
    found: dict[str, dict[Span, None]] = {}
    latest: dict[str, datetime] = {}
    for row in rows.to_pylist():
        spans, span = found.setdefault(row[c.USER_ID], {}), (_us(row[c.SINCE]), _us(row[c.UNTIL]))
        spans.pop(span, None)
        if row[c.VERB] == NOT_ME:
            spans[span] = None
        latest[row[c.USER_ID]] = row[c.SAID_AT]
    return {user: list(spans) for user, spans in found.items() if spans}, latest


def _keep(lake: Lake, user: str, words: Sequence[tuple[str, Span]], now: datetime) -> None:
    rows = [_row(user, verb, span, now) for verb, span in words]
    table = pa.Table.from_pylist(rows, schema=FEEDBACK.schema)
    keep_words(lake, table, user_id=user, now=now, source=RULES)
    _log.info("rules: %d words of plays that are not a user's own", len(rows))


def _row(user: str, verb: str, span: Span, now: datetime) -> dict[str, Any]:
    said_at = now.astimezone(UTC)
    return {
        c.USER_ID: user,
        c.SOURCE: RULES,
        c.KIND: PLAYS,
        c.VERB: verb,
        c.SINCE: _moment(span[0]),
        c.UNTIL: _moment(span[1]),
        c.SAID_AT: said_at if verb == UNDO else said_at + _AFTER,  # later than what is taken back
    }


def _meant(rule: NotMine, history: _History, snapshot: Marts, zone: tzinfo) -> Mask:
    """Which plays a rule is about."""
    meant = np.ones(len(history.at), dtype=bool)
    if rule.artists:
        meant &= _of_artists(rule.artists, history.plays, snapshot)
    if rule.devices:
        meant &= _on_devices(rule.devices, history.plays)
    if rule.days or rule.hours or rule.first or rule.last:
        meant &= _at_times(rule, history.at, zone)
    if rule.whole_sessions and meant.any():
        sessions = history.plays[c.SESSION_ID]
        ids = pc.unique(sessions.filter(pa.array(meant))).drop_null()
        meant |= np.asarray(pc.is_in(sessions, value_set=ids).to_numpy(), dtype=bool)
    return meant


def _of_artists(names: Sequence[str], plays: pa.Table, snapshot: Marts) -> Mask:
    wanted = {artist_key(name) for name in names}
    ids = pc.unique(plays[c.ARTIST_ID].combine_chunks()).drop_null()
    artists = snapshot.read(
        "artists", columns=[c.ARTIST_ID, c.ARTIST], filters=pc.field(c.ARTIST_ID).isin(ids)
    )
    meant = [
        artist_id
        for artist_id, name in zip(*(one.to_pylist() for one in artists.columns), strict=True)
        if name and artist_key(name) in wanted
    ]
    of_them = pc.is_in(plays[c.ARTIST_ID], value_set=pa.array(meant, pa.string()))
    return np.asarray(of_them.to_numpy(), dtype=bool)


def _on_devices(words: Sequence[str], plays: pa.Table) -> Mask:
    wanted = [word.casefold() for word in words]
    names = plays[c.PLATFORM].combine_chunks().dictionary_encode()
    known = [
        any(word in (name or "").casefold() for word in wanted)
        for name in names.dictionary.to_pylist()
    ]
    numbers = names.indices.fill_null(-1).to_numpy()
    table: Mask = np.array([*known, False], dtype=bool)  # -1 is the last: not told
    found: Mask = table[numbers]
    return found


def _at_times(rule: NotMine, at: npt.NDArray[np.int64], zone: tzinfo) -> Mask:
    days = {WEEKDAYS.index(day) for day in rule.days} or set(range(7))
    begin, end = _hours(rule.hours)
    found = np.zeros(len(at), dtype=bool)
    for place, micros in enumerate(at.tolist()):
        local = _moment(micros).astimezone(zone)
        clock, day = local.time(), local.date()
        if begin < end:
            inside = begin <= clock < end
        else:  # over midnight: the small hours are of the day before
            inside = clock >= begin or clock < end
            day -= timedelta(days=clock < end)
        found[place] = inside and day.weekday() in days and _within(rule, day)
    return found


def _hours(text: str) -> tuple[time, time]:
    if not text:
        return time.min, time.max
    first, _, last = text.partition("-")
    return _clock(first), _clock(last)


def _clock(text: str) -> time:
    hour, _, minute = text.partition(":")
    return time(int(hour), int(minute))


def _within(rule: NotMine, day: date) -> bool:
    return (rule.first is None or rule.first <= day) and (rule.last is None or day <= rule.last)


def _us(moment: datetime) -> int:
    return int(pa.scalar(moment, _MOMENT).cast(pa.int64()).as_py())


def _moment(micros: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)
