"""What follows the log: takes each event once, in the log's order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

from segue.events.base import Recorded

__all__ = ["Consumer", "KeptState"]

KeptState = Callable[[str], bytes | None]
"""What a consumer keeps under a key; None: nothing."""


class Consumer(Protocol):
    """Something that events have an effect on: profiles, the lake, a recommender elsewhere.

    What `take` returns is written together with the consumer's place in the log: all or nothing.
    What it does elsewhere comes before that, and is done again if the process dies in between;
    doing it twice must come to the same as doing it once.

    Attributes:
        name: The consumer's in the log; letters, digits, “_” and “-”.
        at_once: Events given to one `take`, at most.
        every: How long events may gather before they are taken, unless there are `at_once`.
        from_scratch: Whether forgetting everything and taking the log again comes to the same.
    """

    name: ClassVar[str]
    at_once: ClassVar[int]
    every: ClassVar[timedelta]
    from_scratch: ClassVar[bool]

    def take(
        self, recorded: Sequence[Recorded], state: KeptState, now: datetime
    ) -> Mapping[str, bytes]:
        """Take the next events, in order.

        Args:
            state: What was kept before.
            now: Aware UTC.

        Returns:
            What to keep, by key. What belongs to one user goes under the user's id, so that it
            leaves with the user.

        Raises:
            WarehouseError: Nothing can be taken now, whichever event; it is tried again later.
            Exception: An event among them cannot be taken. Tried again alone, it is parked.
        """

    def settle(self, kept: Mapping[str, bytes], now: datetime) -> Mapping[str, bytes]:
        """Do what only time brings about, such as giving up waiting; what has changed of it.

        Done before events are taken when a process begins, then every hour. As with `take`,
        doing it twice must come to the same as doing it once.

        Args:
            kept: Some of what the consumer keeps, by key.
            now: Aware UTC.
        """
