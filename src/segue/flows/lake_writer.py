"""A consumer that brings into the lake what events tell: plays, and words about tracks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Final

import pyarrow as pa

from segue.events.base import Recorded
from segue.events.consumer import KeptState
from segue.events.playbacks import HeardPlay, Player, follow, give_up
from segue.flows.event_rows import Names, feedback_rows, no_names, play_rows
from segue.music.event import PLAYBACK
from segue.music.lake_tables import FEEDBACK, PLAYS, REJECTS, LakeTable

if TYPE_CHECKING:
    from segue.warehouse.lake import Lake

__all__ = ["LakeWriter"]

_KIND: Final = "events"
_NAME: Final = "events"


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is staged."""

    table: LakeTable
    rows: pa.Table

    @property
    def rejects(self) -> pa.Table:
        return REJECTS.empty_table()


class LakeWriter:
    """Follows what each user's player does, and commits the plays that have ended.

    What a user is in the middle of is kept with the consumer's place in the log. Dying between a
    commit and that is harmless: the same events tell the same plays, whose rows are there already.

    A commit costs a tenth of a second and a file, however few its plays are, so the batches are
    large.

    Args:
        lake: Where to.
        names: What is known of tracks, so that a build finds them again.
    """

    name: ClassVar[str] = "lake"
    at_once: ClassVar[int] = 50_000
    every: ClassVar[timedelta] = timedelta(seconds=30)
    from_scratch: ClassVar[bool] = False

    def __init__(self, lake: Lake, names: Names = no_names) -> None:
        self._lake = lake
        self._names = names

    def take(
        self, recorded: Sequence[Recorded], state: KeptState, now: datetime
    ) -> Mapping[str, bytes]:
        """Commit what ended and what was said. See `Consumer`."""
        events = [one.event for one in recorded]
        players: dict[str, Player] = {}
        plays: list[tuple[str, HeardPlay]] = []
        for event in events:
            if event.event_type in PLAYBACK:
                user = event.user_id
                before = players[user] if user in players else _player(state(user))
                players[user], told = follow(before, event)
                plays += [(user, play) for play in told]
        said = [event for event in events if event.event_type not in PLAYBACK]
        rows = (
            _Rows(PLAYS, play_rows(plays, self._names)),
            _Rows(FEEDBACK, feedback_rows(said, self._names)),
        )
        self._commit([part for part in rows if part.rows.num_rows], now)
        return {user: _bytes(player) for user, player in players.items()}

    def settle(self, kept: Mapping[str, bytes], now: datetime) -> Mapping[str, bytes]:
        """Commit plays that began a day ago and whose end nobody reported. See `Consumer`."""
        plays: list[tuple[str, HeardPlay]] = []
        changed: dict[str, bytes] = {}
        for user, record in kept.items():
            player, told = give_up(_player(record), now)
            if told:
                plays += [(user, play) for play in told]
                changed[user] = _bytes(player)
        if plays:
            self._commit([_Rows(PLAYS, play_rows(plays, self._names))], now)
        return changed

    def _commit(self, parts: Sequence[_Rows], now: datetime) -> None:
        if not parts:
            return
        with (
            self._lake.writing(),
            self._lake.begin(_KIND, self._lake.folder, user_id="", name=_NAME) as staged,
        ):
            staged.file(_NAME, _NAME)
            for part in parts:
                staged.stage(_NAME, part)
            staged.commit(now)


def _player(kept: bytes | None) -> Player:
    return Player() if kept is None else Player.from_json(json.loads(kept))


def _bytes(player: Player) -> bytes:
    return json.dumps(player.as_json(), separators=(",", ":")).encode()
