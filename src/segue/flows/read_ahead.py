"""Reading some files ahead of the one whose turn it is, so that unpacking and parsing overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Full, Queue
from threading import Event
from typing import Generic, TypeVar

__all__ = ["reading_ahead"]

T = TypeVar("T")

_HELD = 2
_LOOK_SECONDS = 0.1


@contextmanager
def reading_ahead(
    reads: Sequence[Callable[[], Iterator[T]]], *, at_once: int = 2
) -> Iterator[Iterator[Iterator[T]]]:
    """Run several reads at a time on threads of their own, and hand on their items in order.

    Args:
        reads: Each begins one read; its items are asked for on another thread.
        at_once: Reads that run at the same time. Each holds at most a few items, then waits.

    Returns:
        An iterator over the reads, in their order, each an iterator over its items; the fault
        of a read is raised where its items end.
    """
    stop = Event()
    with ThreadPoolExecutor(at_once, thread_name_prefix="segue-read") as pool:
        try:
            yield _in_order(reads, pool, stop, at_once=at_once)
        finally:
            stop.set()


def _in_order(
    reads: Sequence[Callable[[], Iterator[T]]],
    pool: ThreadPoolExecutor,
    stop: Event,
    *,
    at_once: int,
) -> Iterator[Iterator[T]]:
    begun: list[_Read[T]] = []
    for turn in range(len(reads)):
        for begin in reads[turn + len(begun) : turn + at_once]:
            read = _Read(begin, stop)
            read.done = pool.submit(read.run)
            begun.append(read)
        yield begun.pop(0).items()


class _End:
    """Stands behind the last item of a read."""


@dataclass
class _Read(Generic[T]):
    begin: Callable[[], Iterator[T]]
    stop: Event
    queue: Queue[T | _End] = field(default_factory=lambda: Queue(_HELD))
    done: Future[None] = field(default_factory=Future)

    def run(self) -> None:
        """Read on this thread until the end, or until nobody wants more."""
        try:
            for item in self.begin():
                if not self._put(item):
                    return
        finally:
            self._put(_End())

    def _put(self, item: T | _End) -> bool:
        """Wait for room; False when nobody wants the item any more."""
        while not self.stop.is_set():
            with suppress(Full):
                self.queue.put(item, timeout=_LOOK_SECONDS)
                return True
        return False

    def items(self) -> Iterator[T]:
        """The items, on the thread that asks for them; then the fault of the read, if any."""
        while not isinstance(item := self.queue.get(), _End):
            yield item
        self.done.result()
