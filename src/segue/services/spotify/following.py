"""From looks at a player to what happened: plays, pauses, skips and completed tracks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from segue.music.event import Event, EventType
from segue.services.spotify.records import PlayerState, TrackRecord

__all__ = ["SOURCE", "Following", "Playing", "look", "next_look"]

SOURCE: Final = "spotify_live"
"""The source of these events. It is not that of what Spotify itself tells of the same plays
(`spotify_api`), so that a build can tell the two apart and count each play once."""

_SLACK_MS: Final = 3_000
"""Looks are this far off: the answer takes its time, and players round."""
_GONE_MS: Final = 15 * 60_000
"""A player that is not seen for so long while it plays has been stopped."""
_FORGOTTEN_MS: Final = 30 * 60_000
"""Whoever goes on from the start after such a pause begins another play."""
_MOST_REPEATS: Final = 20
"""More repeats than that within one gap are not believed."""
_SOON_S: Final = 20.0
_OFTEN_S: Final = 240.0
_SELDOM_S: Final = 900.0
"""Seconds between looks. Most tracks are over within four minutes, so that a day of fifteen hours
of listening and nine of silence takes about 400 of them."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Playing:
    """The play that somebody is in the middle of; times in milliseconds since 1970.

    Args:
        uri: The track.
        duration_ms: Its length; 0: not known.
        started: When the play began.
        heard: Milliseconds heard until `seen`.
        progress: Where in the track it was at `seen`.
        seen: When the player was last seen with it; for one that is held: when it was first.
        running: Whether it played then; else it was held.
        resumes: How often it was taken up again after a pause.
        repeats: Whether the player repeats this one track.
        device: What it came out of.
    """

    uri: str
    duration_ms: int
    started: int
    heard: int
    progress: int
    seen: int
    running: bool
    resumes: int = 0
    repeats: bool = False
    device: str = ""

    @property
    def left(self) -> int | None:
        """Milliseconds to the end of the track; None: its length is not known."""
        return max(0, self.duration_ms - self.progress) if self.duration_ms else None


@dataclass(frozen=True, slots=True)
class Following:
    """What is known of one user's player after some looks; a value.

    Args:
        user_id: Whose it is.
        playing: The play under way; None: nothing is.
        idle: Looks in a row at which nothing played.
    """

    user_id: str
    playing: Playing | None = None
    idle: int = 0

    def as_json(self) -> str:
        """What is kept between two runs."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, user_id: str, text: str | None) -> Following:
        """The same from it; what was not written by us counts as nothing known."""
        try:
            told = json.loads(text or "")
            playing = told["playing"]
            return cls(user_id, None if playing is None else Playing(**playing), int(told["idle"]))
        except (ValueError, TypeError, KeyError):
            return cls(user_id)


def look(
    before: Following, seen: PlayerState | None, at: datetime
) -> tuple[Following, tuple[Event, ...]]:
    """What happened between the last look and this one.

    Nothing is asked and no clock is read: the same looks tell the same events. An event that is
    told again after a restart has the same id, or begins within seconds of the first.

    - Held and taken up again: `pause`, then `play` of the same play; the time between is not heard.
    - Moved within the track: the same play; what is heard is never more than time has passed.
    - Repeated: `complete` and a new `play`, as often as it fits into the gap.
    - Another track: `complete` if the first can have come to its end, else `skip`.
    - Another device: the same play goes on.
    - Not seen (offline, or Segue did not run): the player tells when it is seen again.

    Args:
        before: What was known.
        seen: What the player is like now; None: nothing is on, or it cannot be seen.
        at: When, aware UTC.
    """
    now = (at - _EPOCH) // _MS
    told = _Told(before.user_id)
    track = _music(seen)
    playing = before.playing
    if playing is not None and now <= playing.seen:
        return before, ()  # a look that comes too late, or a clock that was put back
    if playing is not None:
        same = track is not None and track.uri == playing.uri and seen is not None
        if same and seen is not None:
            playing = _go_on(told, playing, seen, now)
        else:
            playing = _without(told, playing, seen, now)
    if playing is None and track is not None and seen is not None and seen.is_playing:
        playing = _begin(told, track, seen, now, not_before=told.ended)
    idle = 0 if seen is not None and seen.is_playing else before.idle + 1
    return Following(before.user_id, playing, idle), tuple(told.events)


def next_look(following: Following) -> float:
    """Seconds until the next look: soon after the track ends, and rarely while nothing plays."""
    playing = following.playing
    if playing is None or not playing.running:
        return min(_SELDOM_S, 60.0 * float(2 ** min(following.idle, 5)))
    left = _OFTEN_S if playing.left is None else playing.left / 1000 + 2
    return min(max(left, _SOON_S), _OFTEN_S)


class _Told:
    """The events of one look, and when the last play ended."""

    def __init__(self, user_id: str) -> None:
        self.events: list[Event] = []
        self.ended: int | None = None
        self._user_id = user_id

    def tell(self, kind: EventType, playing: Playing, at: int, *, heard: int | None) -> None:
        number = f":{playing.resumes}" if kind in ("play", "pause") else ""
        context: Mapping[str, Any] = {"device": playing.device} if playing.device else {}
        self.events.append(
            Event(
                event_id=f"spotify:{playing.started}:{playing.uri}:{kind}{number}"[:200],
                user_id=self._user_id,
                track_id=playing.uri,
                event_type=kind,
                timestamp=_EPOCH + at * _MS,
                ms_played=heard,
                source=SOURCE,
                context=context,
            )
        )

    def end(self, playing: Playing, at: int, heard: int, *, whole: bool) -> None:
        """The play is over: at its end, or before."""
        self.tell("complete" if whole else "skip", playing, at, heard=heard)
        self.ended = at


def _music(seen: PlayerState | None) -> TrackRecord | None:
    """The track that is on, if it is music that may be noted."""
    track = None if seen is None or seen.private else seen.track
    return track if track is not None and track.is_track and track.uri else None


def _begin(
    told: _Told, track: TrackRecord, seen: PlayerState, now: int, *, not_before: int | None
) -> Playing:
    progress = _progress(seen, track.duration_ms or 0)
    started = now - progress
    if not_before is not None and started < not_before:
        # It was begun somewhere in the middle: it cannot have run before the other one ended.
        started = not_before
    playing = Playing(
        uri=track.uri,
        duration_ms=track.duration_ms or 0,
        started=started,
        heard=now - started,
        progress=progress,
        seen=now,
        running=True,
        repeats=seen.repeat == "track",
        device=seen.device,
    )
    told.tell("play", playing, started, heard=None)
    return playing


def _go_on(told: _Told, was: Playing, seen: PlayerState, now: int) -> Playing | None:
    """The same track is on: it went on, was held, moved, or began again."""
    progress = _progress(seen, was.duration_ms)
    passed, moved = now - was.seen, progress - was.progress
    if was.running and was.left is not None and moved < passed - _SLACK_MS:
        if seen.is_playing and _came_round(was, progress, passed):
            return _repeated(told, was, seen, now, progress)
        if not seen.is_playing and progress <= _SLACK_MS and passed >= was.left - _SLACK_MS:
            rest = min(was.left, passed)
            told.end(was, was.seen + rest, was.heard + rest, whole=True)
            return None  # the last one of a list: the player is held at its start
    anew = progress <= passed and progress < was.progress - _SLACK_MS
    if not was.running and seen.is_playing and anew and passed > _FORGOTTEN_MS:
        told.end(was, was.seen, was.heard, whole=_is_whole(was))
        return None  # after a long pause, and from the start: another play
    if not was.running and not seen.is_playing:
        return replace(was, progress=progress)  # held since it was seen running last
    heard = was.heard + _heard(moved, passed if was.running else max(0, min(moved, passed)))
    after = replace(
        was,
        heard=heard,
        progress=progress,
        seen=now,
        running=seen.is_playing,
        repeats=seen.repeat == "track",
        device=seen.device or was.device,
    )
    if was.running and not seen.is_playing:
        held = was.seen + moved if 0 <= moved <= passed else now
        told.tell("pause", after, held, heard=heard)
    elif seen.is_playing and not was.running:
        after = replace(after, resumes=was.resumes + 1)
        again = now - moved if 0 <= moved <= passed else now
        told.tell("play", after, again, heard=None)
    return after


def _came_round(was: Playing, progress: int, passed: int) -> bool:
    """Whether the track can have come to its end and begun again since it was seen."""
    left = was.left or 0
    return passed >= left - _SLACK_MS and progress <= passed - left + _SLACK_MS


def _repeated(told: _Told, was: Playing, seen: PlayerState, now: int, progress: int) -> Playing:
    """It came to its end and began again: once, or as often as it fits when it is on repeat."""
    left = min(was.left or 0, now - was.seen)
    told.end(was, was.seen + left, was.heard + left, whole=True)
    start, began = was.seen + left, now - progress
    if was.repeats and seen.repeat == "track":
        rounds = round((began - start) / was.duration_ms)
        for number in range(min(rounds, _MOST_REPEATS)):
            one = replace(was, started=start + number * was.duration_ms, resumes=0)
            told.tell("play", one, one.started, heard=None)
            told.end(one, one.started + was.duration_ms, was.duration_ms, whole=True)
        start = max(start, began)
    started = max(start, began)
    playing = replace(
        was,
        started=started,
        heard=max(0, now - started),
        progress=progress,
        seen=now,
        resumes=0,
        repeats=seen.repeat == "track",
        device=seen.device or was.device,
    )
    told.tell("play", playing, started, heard=None)
    return playing


def _without(told: _Told, was: Playing, seen: PlayerState | None, now: int) -> Playing | None:
    """Something else is on, or nothing that is seen."""
    passed = now - was.seen
    if seen is None:
        if not was.running:
            return was  # held, and the player went to sleep: it may be taken up again
        if passed < _GONE_MS:
            return was  # offline, or stopped: the next looks will tell
        told.tell("pause", was, was.seen, heard=was.heard)
        return replace(was, running=False)
    if not was.running:
        told.end(
            was, max(was.seen, _start_of(seen, now, was.seen)), was.heard, whole=_is_whole(was)
        )
        return None
    until = _start_of(seen, now, was.seen) - was.seen
    if was.left is not None and until >= was.left - _SLACK_MS:
        rest = min(was.left, until)
        told.end(was, was.seen + rest, was.heard + rest, whole=True)
    else:
        told.end(was, was.seen + until, was.heard + until, whole=False)
    return None


def _start_of(seen: PlayerState, now: int, earliest: int) -> int:
    """When what is on now began, as far as that is told, and not before the last look."""
    if seen.progress_ms is None or not seen.is_playing:
        return now if seen.is_playing else earliest
    return max(earliest, now - seen.progress_ms)


def _is_whole(was: Playing) -> bool:
    """Whether it was held at its very end."""
    return was.left is not None and was.left <= _SLACK_MS


def _progress(seen: PlayerState, duration_ms: int) -> int:
    told = seen.progress_ms or 0
    return min(told, duration_ms) if duration_ms else told


def _heard(moved: int, passed: int) -> int:
    """Of a track that moved on so far: never more than time has passed; after a jump all of it."""
    return moved if 0 <= moved <= passed else passed
