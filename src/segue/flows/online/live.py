"""What the event log tells of one user, beside the history that was published last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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

__all__ = ["Counting", "Live", "with_live"]

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
        plays: Told by their events, in that order.
        words: What they said, in the order of the log.
    """

    position: int = 0
    player: Player = field(default_factory=Player)
    plays: tuple[HeardPlay, ...] = ()
    words: tuple[Event, ...] = ()

    def after(self, events: Sequence[Recorded]) -> Live:
        """With the user's next events."""
        if not events:
            return self
        player, plays, words = self.player, list(self.plays), list(self.words)
        for one in events:
            if one.event.event_type in PLAYBACK:
                player, told = follow(player, one.event)
                plays += told
            else:
                words.append(one.event)
        return replace(
            self,
            position=events[-1].position,
            player=player,
            plays=tuple(plays),
            words=tuple(words),
        )

    @property
    def latest(self) -> datetime | None:
        """The latest time that any of the events named."""
        said = max((word.timestamp for word in self.words), default=None)
        return max(filter(None, (self.player.latest, said)), default=None)


def with_live(
    records: Records, live: Live, *, id_of: Callable[[str], str], counting: Counting, user_id: str
) -> Records:
    """What was published of a user, with what their events tell beyond it.

    The lake writer brings the same plays and words into later snapshots: what is there already
    does not count twice. A track that is playing counts as played.

    Args:
        id_of: Track ids by what events call tracks.
    """
    return replace(
        records,
        plays=_plays(records.plays, live, id_of, counting),
        feedback=_feedback(records.feedback, live, id_of, user_id),
    )


def _plays(
    published: pa.Table, live: Live, id_of: Callable[[str], str], counting: Counting
) -> pa.Table:
    rows = [_row(id_of(play.track_id), play, counting) for play in live.plays]
    rows += [
        {
            c.TRACK_ID: id_of(one.track_id),
            c.PLAYED_AT: one.started,
            c.COUNTED: True,
            c.FINISHED: False,
            c.SKIPPED: False,
        }
        for one in live.player.open
    ]
    if published.num_rows and rows:
        earlier = _starts(published, {row[c.TRACK_ID] for row in rows})
        rows = [row for row in rows if not _is_there(row, earlier, counting.same)]
    if not rows:
        return published
    both = pa.concat_tables([published, pa.Table.from_pylist(rows, HISTORY)])
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


def _feedback(
    published: pa.Table, live: Live, id_of: Callable[[str], str], user_id: str
) -> pa.Table:
    if not live.words:
        return published
    known = set(zip(*(published[name].to_pylist() for name in _WORD), strict=True))
    rows: list[dict[str, Any]] = published.to_pylist()
    for word in live.words:
        row = {
            c.USER_ID: user_id,
            c.SOURCE: word.source,
            c.KIND: TRACK,
            c.VERB: word.event_type,
            c.TRACK_ID: id_of(word.track_id),
            c.SAID_AT: word.timestamp,
        }
        if tuple(row[name] for name in _WORD) not in known:
            rows.append(row)
    rows.sort(key=lambda row: row[c.SAID_AT])
    named = [{**row, c.PLACE: place} for place, row in enumerate(rows, start=1)]
    full = [{name: row.get(name) for name in _WORDS.names} for row in named]
    return pa.Table.from_pylist(full, _WORDS)
