"""Who follows the event log of a home, and how far each has got."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from segue.errors import ConfigError, NotReadyError
from segue.events.base import EventLog, Parked
from segue.events.consumer import Consumer
from segue.events.profile_keeper import ProfileKeeper
from segue.flows.event_rows import Names, names_in
from segue.flows.lake_writer import LakeWriter
from segue.flows.wiring import Wiring
from segue.warehouse.snapshots import SnapshotStore

__all__ = [
    "CONSUMERS",
    "ConsumerStatus",
    "EventStatus",
    "consumer_called",
    "consumers",
    "event_status",
]


CONSUMERS: Final = (ProfileKeeper.name, LakeWriter.name)
"""Names of `consumers`."""


def consumers(wiring: Wiring) -> tuple[Consumer, ...]:
    """Everything that takes events in this home."""
    return (ProfileKeeper(), LakeWriter(wiring.lake, _published_names(wiring.snapshots)))


def consumer_called(wiring: Wiring, name: str) -> Consumer:
    """The consumer of this name.

    Raises:
        ConfigError: There is none.
    """
    known = {consumer.name: consumer for consumer in consumers(wiring)}
    if name not in known:
        raise ConfigError(
            f"nothing called “{name}” takes events",
            field="consumer",
            cure=f"Choose one of: {', '.join(sorted(known))}.",
        )
    return known[name]


@dataclass(frozen=True, slots=True)
class ConsumerStatus:
    """How far a consumer has got.

    Args:
        behind: Positions of the log between it and the end; about as many events.
        parked: Events that it could not take.
    """

    name: str
    position: int
    behind: int
    parked: tuple[Parked, ...]


@dataclass(frozen=True, slots=True)
class EventStatus:
    """The event log.

    Args:
        last: Its last position; 0: it is empty.
    """

    last: int
    consumers: tuple[ConsumerStatus, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "last": self.last,
            "consumers": [{**asdict(one), "parked": len(one.parked)} for one in self.consumers],
        }


def event_status(log: EventLog, following: Collection[Consumer]) -> EventStatus:
    """Read how far everybody has got; nothing is locked or changed."""
    told = []
    for consumer in following:
        position = log.cursor(consumer.name)
        behind = max(log.last() - position, 0)
        parked = tuple(log.parked(consumer.name))
        told.append(ConsumerStatus(consumer.name, position, behind, parked))
    return EventStatus(log.last(), tuple(told))


def _published_names(snapshots: SnapshotStore) -> Names:
    """Names of tracks, by whichever snapshot is published when they are asked for."""

    def look_up(tracks: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        try:
            return names_in(snapshots.current())(tracks)
        except NotReadyError:  # before the first build
            return {}

    return look_up
