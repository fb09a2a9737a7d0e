"""Keeps the profile of every user up with the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from segue.events.base import EventLog, Recorded
from segue.events.consumer import KeptState
from segue.events.profiles import Profile, taken
from segue.music.event import Event

__all__ = ["ProfileKeeper", "profile_of"]


class ProfileKeeper:
    """A consumer whose state is one record per user, under the user's id."""

    name: ClassVar[str] = "profiles"
    at_once: ClassVar[int] = 4_000
    every: ClassVar[timedelta] = timedelta(seconds=0.2)
    from_scratch: ClassVar[bool] = True

    def take(
        self, recorded: Sequence[Recorded], state: KeptState, now: datetime
    ) -> Mapping[str, bytes]:
        """The records of the users who did something. See `Consumer`."""
        by_user: dict[str, list[Event]] = {}
        for one in recorded:
            by_user.setdefault(one.event.user_id, []).append(one.event)
        return {
            user: taken(Profile.from_bytes(state(user)), events).to_bytes()
            for user, events in by_user.items()
        }

    def settle(self, kept: Mapping[str, bytes], now: datetime) -> Mapping[str, bytes]:
        """Nothing: a record needs no fading. See `Consumer`."""
        return {}


def profile_of(log: EventLog, user_id: str) -> Profile:
    """What a user's events came to, as far as the log's consumer has taken them."""
    return Profile.from_bytes(log.state(ProfileKeeper.name, user_id))
