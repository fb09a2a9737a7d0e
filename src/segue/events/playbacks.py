"""From what players report to plays: each play told once, however its events arrive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from segue.music.event import Event

__all__ = ["HeardPlay", "Player", "follow", "give_up"]

_SAME: Final = timedelta(seconds=5)
"""Two reports of a start so close together are one start."""
_LATE: Final = timedelta(minutes=2)
"""So long after a play was told, what is reported of its track is still about that play."""
_FORGOTTEN: Final = timedelta(hours=24)
"""A play whose end nobody reports for so long is told without one."""
_LONGEST_GUESS: Final = timedelta(minutes=20)
"""Where nobody reports how much was heard, time until the next play is not believed beyond this."""
_REMEMBERED: Final = 50


@dataclass(frozen=True, slots=True)
class HeardPlay:
    """A play, as its events tell it.

    Args:
        played_at: Its start, aware UTC.
        ended_at: Its end; None where nobody knows.
        ms_played: Heard, in milliseconds; None where nobody knows.
        ended_by: "complete", "skip", or None: something else began, or nobody knows.
    """

    track_id: str
    source: str
    played_at: datetime
    ended_at: datetime | None
    ms_played: int | None
    ended_by: str | None
    session_id: str | None


@dataclass(frozen=True, slots=True)
class _Open:
    """A play that has begun.

    Args:
        heard: Time heard up to `since`.
        since: It has been running from here; None: paused.
    """

    track_id: str
    source: str
    session_id: str | None
    started: datetime
    heard: timedelta
    since: datetime | None


@dataclass(frozen=True, slots=True)
class _Told:
    track_id: str
    started: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Player:
    """What one user is in the middle of, and what was told lately; a value.

    Args:
        open: Plays that have begun, in the order of their starts.
        told: The latest plays that were told.
        latest: The latest time that any event named.
    """

    open: tuple[_Open, ...] = ()
    told: tuple[_Told, ...] = ()
    latest: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "open": [
                [
                    one.track_id,
                    one.source,
                    one.session_id,
                    one.started.isoformat(),
                    one.heard // _MS,
                    one.since and one.since.isoformat(),
                ]
                for one in self.open
            ],
            "told": [
                [one.track_id, one.started.isoformat(), one.ended.isoformat()] for one in self.told
            ],
            "latest": self.latest and self.latest.isoformat(),
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Player:
        """The same from them."""
        return cls(
            tuple(
                _Open(track, source, session, _time(at), heard * _MS, since and _time(since))
                for track, source, session, at, heard, since in kept["open"]
            ),
            tuple(_Told(track, _time(start), _time(end)) for track, start, end in kept["told"]),
            kept["latest"] and _time(kept["latest"]),
        )


_MS: Final = timedelta(milliseconds=1)
_time = datetime.fromisoformat


@dataclass(slots=True)
class _Step:
    """One event at work: what is open, what was told before, and what it tells."""

    open: list[_Open]
    told: list[_Told]
    plays: list[HeardPlay] = field(default_factory=list)

    def tell(
        self, play: _Open, ended: datetime | None, heard: int | None, by: str | None = None
    ) -> None:
        if play in self.open:
            self.open.remove(play)
        self.plays.append(
            HeardPlay(
                track_id=play.track_id,
                source=play.source,
                played_at=play.started,
                ended_at=ended,
                ms_played=heard,
                ended_by=by,
                session_id=play.session_id,
            )
        )
        self.told.append(_Told(play.track_id, play.started, ended or play.started))

    def of(self, event: Event) -> _Open | None:
        """The open play that an event is about: of its track, the last that began before it."""
        fitting = [
            one
            for one in self.open
            if one.track_id == event.track_id
            and one.started <= event.timestamp
            and (one.session_id == event.session_id or None in (one.session_id, event.session_id))
        ]
        return fitting[-1] if fitting else None

    def is_told(self, track_id: str, start: datetime, end: datetime) -> bool:
        """Whether a play of the track that was told already is the one meant."""
        return any(
            one.track_id == track_id and one.started - _SAME <= end and start <= one.ended + _LATE
            for one in self.told
        )


def follow(player: Player, event: Event) -> tuple[Player, tuple[HeardPlay, ...]]:
    """Take one playback event, in the order of the log, and tell the plays that it ends.

    play: opens a play; the one before it in the same session ends where this one begins. A second
    report of the same start, or one after a pause, goes on with the play. pause: stops its clock.
    skip, complete: end the play of the track that began last before them; without one they are a
    play of their own, which began `ms_played` earlier.

    Events may come late and in any order: a play is told once, as well as could be known when
    it was told. What comes about it afterwards changes nothing. The same events in the same order
    tell the same plays, however they are cut into batches.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> player, plays = follow(Player(), Event("1", "ann", "t1", "play", at))
    >>> plays
    ()
    >>> end = Event("2", "ann", "t1", "complete", at + timedelta(seconds=200))
    >>> [play.ms_played for play in follow(player, end)[1]]
    [200000]
    """
    latest = max(filter(None, (player.latest, event.timestamp)))
    step = _Step(list(player.open), list(player.told))
    _TAKEN_BY[event.event_type](step, event)
    for one in [one for one in step.open if one.started < latest - _FORGOTTEN]:
        _tell_without_end(step, one)
    return replace(_player(step), latest=latest), tuple(step.plays)


def give_up(player: Player, now: datetime) -> tuple[Player, tuple[HeardPlay, ...]]:
    """Tell the plays that began a day ago or earlier and whose end nobody reported."""
    step = _Step(list(player.open), list(player.told))
    for one in [one for one in step.open if one.started < now - _FORGOTTEN]:
        _tell_without_end(step, one)
    return replace(_player(step), latest=player.latest), tuple(step.plays)


def _player(step: _Step) -> Player:
    step.open.sort(key=lambda one: (one.started, one.track_id))
    while len(step.open) > _REMEMBERED:
        _tell_without_end(step, step.open[0])
    return Player(tuple(step.open), tuple(step.told[-_REMEMBERED:]))


def _play(step: _Step, event: Event) -> None:
    at = event.timestamp
    same = step.of(event)
    if same is not None and (same.since is None or at - same.started <= _SAME):
        if same.since is None:
            step.open[step.open.index(same)] = replace(same, since=at)
        return
    if step.is_told(event.track_id, at, at) and not _begins_again(step, event):
        return
    opened = _Open(event.track_id, event.source, event.session_id, at, timedelta(0), at)
    for one in [one for one in step.open if one.session_id == event.session_id]:
        if one.started < at:
            _ended_by_next(step, one, at)
    later = [one.started for one in step.open if one.session_id == event.session_id]
    step.open.append(opened)
    if later:  # it comes late: what followed it is known already
        _ended_by_next(step, opened, min(later))


def _begins_again(step: _Step, event: Event) -> bool:
    """Whether it is a repeat: the play that was told had ended when this one began."""
    return all(
        one.ended <= event.timestamp for one in step.told if one.track_id == event.track_id
    ) and not any(
        abs(one.started - event.timestamp) <= _SAME
        for one in step.told
        if one.track_id == event.track_id
    )


def _pause(step: _Step, event: Event) -> None:
    one = step.of(event)
    if one is None or (one.since is None and event.ms_played is None):
        return
    heard = _heard(one, event.timestamp)
    if event.ms_played is not None:
        heard = event.ms_played * _MS
    step.open[step.open.index(one)] = replace(one, heard=heard, since=None)


def _end(step: _Step, event: Event) -> None:
    at, one = event.timestamp, step.of(event)
    if one is not None:
        heard = event.ms_played
        step.tell(one, at, _ms(_heard(one, at)) if heard is None else heard, event.event_type)
        return
    started = at - (event.ms_played or 0) * _MS
    if not step.is_told(event.track_id, started, at):
        own = _Open(event.track_id, event.source, event.session_id, started, timedelta(0), None)
        step.tell(own, at, event.ms_played, event.event_type)


_TAKEN_BY: Final = {"play": _play, "pause": _pause, "skip": _end, "complete": _end}


def _ended_by_next(step: _Step, one: _Open, at: datetime) -> None:
    heard = _heard(one, at)
    known = one.since is None or heard <= _LONGEST_GUESS
    step.tell(one, at if known else None, _ms(heard) if known else None)


def _tell_without_end(step: _Step, one: _Open) -> None:
    step.tell(one, None, _ms(one.heard) if one.since is None else None)


def _heard(one: _Open, at: datetime) -> timedelta:
    return one.heard + (max(at - one.since, timedelta(0)) if one.since else timedelta(0))


def _ms(heard: timedelta) -> int:
    return heard // _MS
