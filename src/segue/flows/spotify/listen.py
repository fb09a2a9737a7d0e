"""Follow what is played and report it as events, while it happens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from segue.errors import BlockedError, SegueError, SignInError, Temporary
from segue.flows.spotify.household import Household
from segue.music.event import Event
from segue.services.spotify.following import Following, look, next_look

__all__ = ["Deliver", "Heard", "listen", "listen_once"]

_log = logging.getLogger(__name__)

_PURPOSE: Final = "listen"
_MARK: Final = "listening"
_LATER_S: Final = 60.0

Deliver = Callable[[Sequence[Event]], None]
"""Takes events for good, or raises; what it took before counts once."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One look at a player.

    Args:
        events: What it told; they were delivered.
        wait_s: Seconds until the next look is worth it.
        error: Why there was no look, or nothing was delivered; it passes.
    """

    user_id: str
    events: tuple[Event, ...] = ()
    wait_s: float = _LATER_S
    error: SegueError | None = None


def listen_once(house: Household, user_id: str, deliver: Deliver) -> Heard:
    """Look at a user's player once, and report what happened since the last look.

    What is known of the player is kept after the events were delivered: whoever dies in between
    tells the same events again, which count once.

    Raises:
        SignInError: The user is not signed in, or no more.
        BlockedError: No request may be made now.
        ServiceError: Spotify refuses, or does not answer.
        SegueError: Whatever `deliver` raises.
    """
    before = Following.from_json(user_id, house.sign_ins.mark(user_id, _MARK))
    seen = house.api(user_id, _PURPOSE).player()
    after, events = look(before, seen, house.clock())
    if events:
        deliver(events)
    if after != before:
        house.sign_ins.set_mark(user_id, _MARK, after.as_json())
    return Heard(user_id, events, next_look(after))


def listen(
    house: Household,
    users: Sequence[str],
    deliver: Deliver,
    *,
    wait: Callable[[float], bool],
    on_look: Callable[[Heard], None] = lambda heard: None,
) -> None:
    """Follow the players of some users until told to stop, or until nobody is signed in.

    Whatever passes by itself (Spotify or the service does not answer, a limit is reached) is
    waited for here, between requests.

    Args:
        wait: Waits for so many seconds; true: stop.
        on_look: Told of every look.

    Raises:
        SignInError: Of the last user whose sign-in ended.
        SegueError: What does not pass by itself.
    """
    due = dict.fromkeys(users, house.clock())
    while due:
        user_id = min(due, key=lambda one: due[one])
        if wait(max(0.0, (due[user_id] - house.clock()).total_seconds())):
            return
        try:
            heard = listen_once(house, user_id, deliver)
        except SignInError as error:
            del due[user_id]
            if not due:
                raise
            heard = Heard(user_id, error=error)
        except SegueError as error:
            if not isinstance(error, Temporary):
                raise
            heard = Heard(user_id, wait_s=_until(error, house.clock()), error=error)
        on_look(heard)
        if user_id in due:
            due[user_id] = house.clock() + timedelta(seconds=heard.wait_s)


def _until(error: SegueError, now: datetime) -> float:
    """Seconds until it may be tried again."""
    if isinstance(error, BlockedError):
        return max(1.0, (error.until - now).total_seconds())
    return _LATER_S
