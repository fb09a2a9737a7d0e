"""Bring events, what consumers keep, and API keys from one store into another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from itertools import chain, groupby, zip_longest
from typing import Any, Final

from segue.access.base import KeyStore
from segue.errors import BusyError, ConfigError
from segue.events.base import EventLog, Parked, Recorded
from segue.events.consumer import Consumer
from segue.flows.event_consumers import consumers
from segue.flows.keys import every_key
from segue.flows.online.people import FORGOTTEN
from segue.flows.wiring import Wiring
from segue.progress import Progress

__all__ = ["Copied", "copy_events", "copy_store"]

_MARK: Final = "copying"
_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Copied:
    """What was brought over.

    Args:
        events: Of the log.
        keys: API keys.
    """

    events: int = 0
    keys: int = 0

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def copy_store(wiring: Wiring, from_store: str, *, progress: Progress) -> Copied:
    """Bring everything from another store into the one that the settings name.

    Args:
        from_store: "sqlite" or "postgresql".

    Raises:
        ConfigError: It is the same store, there is no such store, or see `copy_events`.
        BusyError: See `copy_events`.
        StorageError: One of them cannot be used.
    """
    others = sorted({"postgresql", "sqlite"} - {wiring.settings.service.store})
    if from_store not in others:
        raise ConfigError(
            f"events cannot be copied from “{from_store}”: the settings keep them in"
            f" {wiring.settings.service.store}",
            field="from",
            cure=f"Set service.store to where they are to be; copy from: {', '.join(others)}.",
        )
    home = wiring.home
    with ExitStack() as stack:
        source = stack.enter_context(closing(wiring.open_events(home, from_store)))
        target = stack.enter_context(closing(wiring.open_events(home)))
        events = copy_events(source, target, consumers(wiring), progress=progress)
        old_keys = stack.enter_context(closing(wiring.open_keys(home, from_store)))
        new_keys = stack.enter_context(closing(wiring.open_keys(home)))
        return Copied(events, _copy_keys(old_keys, new_keys))


def copy_events(
    source: EventLog, target: EventLog, following: Sequence[Consumer], *, progress: Progress
) -> int:
    """Bring all events into an empty log, in their order; how many. The source stays as it is.

    A consumer goes on from where it was. One that can begin again does so: it comes to the same.
    Killed on the way, the same again goes on.

    Args:
        following: All consumers; they must not be at work.

    Raises:
        ConfigError: The target has events of its own.
        BusyError: A consumer is at work, or events come in meanwhile.
        StorageError: The target cannot be written.
    """
    with ExitStack() as stack:
        for log in (source, target):
            for consumer in following:
                stack.enter_context(log.consuming(consumer.name))
        if target.last() and target.state(_MARK, _MARK) is None:
            raise ConfigError(
                "events are kept there already, and events cannot be put before them",
                field="service.store",
                cure="Name a database without the schema `live` in the setting service.url.",
            )
        target.advance(_MARK, 0, state={_MARK: b""})
        progress.start("Copying events")
        events = 0
        for page in _pages(source):
            runs = groupby(page, key=lambda one: one.received_at)
            answers = [target.append([one.event for one in run], at) for at, run in runs]
            for answer in answers:
                answer.result()
            events += len(page)
            progress.advance(len(page))
        kept = [consumer.name for consumer in following if not consumer.from_scratch]
        _copy_places(source, target, [*kept, FORGOTTEN])
        target.restart(_MARK)
        progress.done(f"{events:,} events")
    return events


def _copy_keys(source: KeyStore, target: KeyStore) -> int:
    """Bring over the API keys that are not there yet; how many."""
    copied = 0
    for key in every_key(source):
        known = source.find(key.key_id)
        if known is not None and target.find(key.key_id) is None:
            target.add(known)
            copied += 1
    return copied


def _pages(log: EventLog) -> Iterator[Sequence[Recorded]]:
    at = 0
    while page := log.read(at, _AT_ONCE):
        yield page
        at = page[-1].position


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a consumer is in the source.

    Args:
        cursor: Position up to which it has taken everything.
        parked: What it could not take, by position.
    """

    consumer: str
    cursor: int
    parked: Mapping[int, Parked]


def _copy_places(source: EventLog, target: EventLog, names: Sequence[str]) -> None:
    """Let consumers go on in the target from where they were in the source."""
    places = [
        _Place(name, source.cursor(name), {one.position: one for one in source.parked(name)})
        for name in names
    ]
    cursors = dict.fromkeys(names, 0)
    parked: dict[str, list[Parked]] = {name: [] for name in names}
    for here, there in zip_longest(_all(source), _all(target)):
        if here is None or there is None or here.event != there.event:
            raise BusyError(
                "events came in while they were copied",
                cure="Stop the service, then do the same again.",
            )
        for place in places:
            if here.position <= place.cursor:
                cursors[place.consumer] = there.position
            if (one := place.parked.get(here.position)) is not None:
                parked[place.consumer].append(replace(one, position=there.position))
    for name in names:
        state: dict[str, bytes] = {}
        last = ""
        while keys := source.keys(name, after=last):
            state |= source.states(name, keys)
            last = keys[-1]
        # all at once: a consumer with a record and no place would count events twice
        target.advance(name, cursors[name], state=state, parked=parked[name])


def _all(log: EventLog) -> Iterator[Recorded]:
    return chain.from_iterable(_pages(log))
