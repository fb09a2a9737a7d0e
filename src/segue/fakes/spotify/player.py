"""A user's player: what is on, where it is in it, and what was played, as time passes."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from segue.fakes.catalogue import Catalogue
from segue.fakes.clock import Clock
from segue.fakes.spotify.rules import Rules

__all__ = ["Device", "Played", "Player"]

_COUNTS_MS: Final = 30_000  # what was heard for less is not among what was recently played
_EPISODE_MS: Final = 1_800_000
_AD_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class Device:
    """What sound comes out of."""

    id: str = "5fbb3ba6aa454b5534c4ba43a8c7e8e45a63ad0e"
    name: str = "Kitchen speaker"
    type: str = "Speaker"
    volume: int = 50


@dataclass(frozen=True, slots=True, order=True)
class Played:
    """A row of recently-played."""

    played_at: datetime
    uri: str
    context_uri: str = ""


@dataclass
class Player:
    """What one user hears; every method first lets the time pass that has passed.

    Args:
        catalogue: What can be heard.
        rules: How the service behaves.
        clock: What time it is.
        history: All that counts as played, oldest first.
        private: Whether this is a private session: nothing of it is kept.
        offline: Whether the device is out of reach: nothing is seen until it is back.
    """

    catalogue: Catalogue
    rules: Rules
    clock: Clock
    device: Device = field(default_factory=Device)
    history: list[Played] = field(default_factory=list)
    repeat: str = "off"
    shuffle: bool = False
    private: bool = False
    offline: bool = False
    context_uri: str = ""
    uris: list[str] = field(default_factory=list)
    index: int = 0
    is_playing: bool = False
    changed_at: datetime | None = None
    _position_ms: int = 0
    _heard_ms: int = 0
    _as_of: datetime | None = None
    _started_at: datetime | None = None
    _unsent: list[Played] = field(default_factory=list)

    def play(self, *uris: str, context_uri: str = "", at_ms: int = 0) -> None:
        """Start some tracks, episodes, ads or local files; what was on ends."""
        now = self.settle()
        self._end(now)
        self.uris, self.index, self.context_uri = list(uris), 0, context_uri
        self._begin(now, at_ms)

    def pause(self) -> None:
        """Hold it."""
        self.changed_at = self.settle()
        self.is_playing = False

    def resume(self) -> None:
        """Go on where it was held."""
        now = self.settle()
        self.is_playing, self.changed_at, self._as_of = bool(self.uris), now, now

    def seek(self, to_ms: int) -> None:
        """Go to another place in the same track."""
        now = self.settle()
        self._position_ms, self.changed_at = max(0, to_ms), now
        self.settle()

    def skip(self) -> None:
        """On to the next."""
        now = self.settle()
        self._end(now)
        self._go_on(now, repeats=False)

    def back(self) -> None:
        """To the one before."""
        now = self.settle()
        self._end(now)
        self.index = max(0, self.index - 1)
        self._begin(now)

    def switch(self, device: Device) -> None:
        """Go on elsewhere, at the same place."""
        self.changed_at = self.settle()
        self.device = device

    def stop(self) -> None:
        """The app is closed: there is no player any more."""
        now = self.settle()
        self._end(now)
        self.uris, self.is_playing, self.changed_at = [], False, now

    def go_offline(self) -> None:
        """The device loses its network and plays on."""
        self.settle()
        self.offline = True

    def go_online(self) -> None:
        """It is back, and tells what was played meanwhile."""
        self.settle()
        self.offline = False
        for row in self._unsent:
            insort(self.history, row)
        self._unsent.clear()

    def played(self, uri: str, at: datetime, context_uri: str = "") -> None:
        """Put a play into the history, as if it had ended then."""
        insort(self.history, Played(at, uri, context_uri))

    def settle(self) -> datetime:
        """Let everything happen that has happened by now; returns the moment."""
        now = self.clock.now()
        while self.is_playing and self._as_of is not None:
            left = self.duration_ms - self._position_ms
            passed = (now - self._as_of) // timedelta(milliseconds=1)
            if passed < left:
                self._listen(passed)
                self._as_of += timedelta(milliseconds=passed)
                break
            self._listen(max(0, left))
            ended = self._as_of + timedelta(milliseconds=max(0, left))
            self._end(ended)
            self._go_on(ended)
        return now

    @property
    def uri(self) -> str:
        """What is on; empty: nothing."""
        return self.uris[self.index] if self.uris else ""

    @property
    def progress_ms(self) -> int:
        """Where it is in it."""
        return self._position_ms

    @property
    def duration_ms(self) -> int:
        """How long it is."""
        kind = self.kind
        if kind == "track":
            track = self.catalogue.by_uri(self.uri)
            return track.duration_ms if track is not None else _COUNTS_MS
        if kind == "local":
            seconds = self.uri.rpartition(":")[2]
            return int(seconds) * 1000 if seconds.isdecimal() else _COUNTS_MS
        return _EPISODE_MS if kind == "episode" else _AD_MS

    @property
    def kind(self) -> str:
        """“track”, “episode”, “ad” or “local”."""
        return self.uri.removeprefix("spotify:").partition(":")[0]

    @property
    def is_there(self) -> bool:
        """Whether Spotify sees a player: not offline, and not held for too long."""
        if not self.uris or self.offline:
            return False
        held = self.clock.now() - (self.changed_at or self.clock.now())
        return self.is_playing or held.total_seconds() < self.rules.idle_seconds

    def recent(self) -> Sequence[Played]:
        """What recently-played knows, oldest first."""
        return self.history[-self.rules.window_items :]

    def _listen(self, passed: int) -> None:
        self._position_ms += passed
        self._heard_ms += passed

    def _begin(self, now: datetime, at_ms: int = 0) -> None:
        self._position_ms, self._heard_ms = at_ms, 0
        self._as_of = self._started_at = self.changed_at = now
        self.is_playing = bool(self.uris)

    def _end(self, at: datetime) -> None:
        if self.kind != "track" or self.private or self._started_at is None:
            return
        if self._heard_ms >= min(_COUNTS_MS, self.duration_ms):
            moment = at if self.rules.played_at == "end" else self._started_at
            moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
            row = Played(moment, self.uri, self.context_uri)
            if self.offline:
                self._unsent.append(row)
            else:
                insort(self.history, row)
        self._started_at = None

    def _go_on(self, now: datetime, *, repeats: bool = True) -> None:
        if not (repeats and self.repeat == "track"):
            self.index += 1
        if self.index < len(self.uris):
            self._begin(now)
            return
        self.index = 0
        self._begin(now)
        self.is_playing = bool(self.uris) and self.repeat == "context"
