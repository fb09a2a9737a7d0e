"""What the event log tells of one user, beside the history that was published last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.events.base import Recorded
from segue.events.playbacks import HeardPlay, Player, follow
from segue.flows.listener import Records
from segue.music import columns as c
from segue.music.event import PLAYBACK, Event
from segue.music.feedback import TRACK
from segue.music.marts import MARTS
from segue.music.query import HISTORY

__all__ = ["Counting", "Live", "Reading", "in_order"]

_WORDS: Final = MARTS["feedback"]
_WORD: Final = (c.VERB, c.TRACK_ID, c.SAID_AT)


@dataclass(frozen=True, slots=True)
class Counting:
    """What counts as a play, as a build would say.

    Args:
        counted: Heard for so long, a play counts.
        same: Two plays of a track that begin so close to each other may be the same one.
    """

    counted: timedelta
    same: timedelta


@dataclass(frozen=True, slots=True)
class Live:
    """A user's events up to a position; a value.

    Args:
        position: Of the user's last event in the log; 0: there is none.
        player: What they are in the middle of.
        words: What they said, in the order of the log.
    """

    position: int = 0
    player: Player = field(default_factory=Player)
    words: tuple[Event, ...] = ()

    def after(self, events: Sequence[Recorded]) -> tuple[Live, tuple[HeardPlay, ...]]:
        """With the user's next events; and the plays that these tell."""
        player, plays, words = self.player, list[HeardPlay](), list[Event]()
        for one in events:
            if one.event.event_type in PLAYBACK:
                player, told = follow(player, one.event)
                plays += told
            else:
                words.append(one.event)
        position = events[-1].position if events else self.position
        return Live(position, player, (*self.words, *words)), tuple(plays)

    @property
    def latest(self) -> datetime | None:
        """The latest time that any of the events named."""
        said = max((word.timestamp for word in self.words), default=None)
        return max(filter(None, (self.player.latest, said)), default=None)


@dataclass(frozen=True)
class Reading:
    """How events are read for a user.

    Args:
        user_id: Whose they are.
        published: What a snapshot holds of the user.
        id_of: Track ids by what events call tracks.
        counting: What counts as a play.
    """

    user_id: str
    published: Records
    id_of: Callable[[str], str]
    counting: Counting

    def heard(self, plays: Sequence[HeardPlay]) -> pa.Table:
        """Rows of the history for these plays, as far as they are not published.

        The lake writer brings the plays of events into later snapshots: what is there already
        does not count twice.
        """
        rows = [_row(self.id_of(play.track_id), play, self.counting) for play in plays]
        return self._beyond(rows)

    def under_way(self, player: Player) -> pa.Table:
        """The same for what is playing: it counts as played."""
        rows: list[dict[str, Any]] = [
            {
                c.TRACK_ID: self.id_of(one.track_id),
                c.PLAYED_AT: one.started,
                c.COUNTED: True,
                c.FINISHED: False,
                c.SKIPPED: False,
            }
            for one in player.open
        ]
        return self._beyond(rows)

    def said(self, words: Sequence[Event]) -> pa.Table:
        """The words that are published, and those of events beyond them, in their order."""
        published = self.published.feedback
        if not words:
            return published
        known = set(zip(*(published[name].to_pylist() for name in _WORD), strict=True))
        rows: list[dict[str, Any]] = published.to_pylist()
        for word in words:
            row = {
                c.USER_ID: self.user_id,
                c.SOURCE: word.source,
                c.KIND: TRACK,
                c.VERB: word.event_type,
                c.TRACK_ID: self.id_of(word.track_id),
                c.SAID_AT: word.timestamp,
            }
            if tuple(row[name] for name in _WORD) not in known:
                rows.append(row)
        rows.sort(key=lambda row: row[c.SAID_AT])
        named = [{**row, c.PLACE: place} for place, row in enumerate(rows, start=1)]
        full = [{name: row.get(name) for name in _WORDS.names} for row in named]
        return pa.Table.from_pylist(full, _WORDS)

    def _beyond(self, rows: list[dict[str, Any]]) -> pa.Table:
        published = self.published.plays
        if rows and published.num_rows:
            earlier = _starts(published, {row[c.TRACK_ID] for row in rows})
            rows = [row for row in rows if not _is_there(row, earlier, self.counting.same)]
        return pa.Table.from_pylist(rows, HISTORY)


def in_order(*parts: pa.Table) -> pa.Table:
    """Plays of several tables, oldest first; those of one moment by their tracks."""
    some = [part for part in parts if part.num_rows]
    if len(some) < 2:
        return some[0] if some else HISTORY.empty_table()
    both = pa.concat_tables(some).combine_chunks()
    return both.sort_by([(c.PLAYED_AT, "ascending"), (c.TRACK_ID, "ascending")])


def _row(track_id: str, play: HeardPlay, counting: Counting) -> dict[str, Any]:
    heard = None if play.ms_played is None else timedelta(milliseconds=play.ms_played)
    return {
        c.TRACK_ID: track_id,
        c.PLAYED_AT: play.played_at,
        c.COUNTED: heard is None or heard >= counting.counted,
        c.FINISHED: play.ended_by == "complete",
        c.SKIPPED: play.ended_by == "skip",
    }


def _starts(published: pa.Table, tracks: set[str]) -> dict[str, list[datetime]]:
    """When these tracks were played, as far as that is published."""
    ids = pa.array(sorted(tracks), pa.string())
    mine = published.filter(pc.is_in(published[c.TRACK_ID], ids))
    starts: dict[str, list[datetime]] = {}
    names, at = mine[c.TRACK_ID].to_pylist(), mine[c.PLAYED_AT].to_pylist()
    for track, start in zip(names, at, strict=True):
        starts.setdefault(track, []).append(start)
    return starts


def _is_there(row: dict[str, Any], earlier: dict[str, list[datetime]], same: timedelta) -> bool:
    starts = earlier.get(row[c.TRACK_ID], ())
    return any(abs(row[c.PLAYED_AT] - start) <= same for start in starts)
