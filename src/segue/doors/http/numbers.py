"""Numbers of the requests of one process, counted cheaply, told as Prometheus reads them.

Only the event loop counts, so nothing is locked. Where several processes answer, each leaves its
numbers in a shared folder now and then, and whoever is asked adds them up.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from segue.errors import StorageError

__all__ = ["Numbers", "Timed"]

_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(slots=True)
class Timed:
    """Requests of one sort: how many, and how long they took.

    Args:
        buckets: Requests up to each of the bounds and above the one before; the last: above all.
        seconds: All together.
    """

    buckets: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.buckets[bisect_left(_BOUNDS, seconds)] += 1
        self.seconds += seconds

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.buckets)


@dataclass(slots=True)
class _Told:
    """What a process leaves for the others."""

    requests: list[tuple[str, str, int, Timed]]
    events: dict[str, int]
    answers: dict[str, int]


class Numbers(Collector):
    """Counters of one process, or of all.

    Args:
        shared: Folder where each process leaves its own; None: there are no others.
    """

    def __init__(self, shared: Path | None = None) -> None:
        self.requests: dict[tuple[str, str, int], Timed] = {}
        self.events: dict[str, int] = {"accepted": 0, "duplicate": 0, "rejected": 0}
        self.answers: dict[str, int] = {"at hand": 0, "made": 0, "quick": 0, "before": 0}
        self._shared = shared

    def leave(self) -> None:
        """Leave the numbers for the other processes.

        Raises:
            StorageError: The folder cannot be written.
        """
        if self._shared is None:
            return
        told = _Told(
            [(*about, timed) for about, timed in tuple(self.requests.items())],
            self.events,
            self.answers,
        )
        path = self._shared / f"{os.getpid()}.json"
        try:
            part = path.with_suffix(".part")
            part.write_bytes(msgspec.json.encode(told))
            part.replace(path)
        except OSError as error:
            raise StorageError(
                f"numbers cannot be left in {self._shared}: {error.strerror}",
                cure="Free space or mend permissions.",
            ) from error

    def describe(self) -> list[CounterMetricFamily]:
        """Nothing is read before somebody asks."""
        return []

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        """The numbers of all processes."""
        every = self._everybodys()
        requests = CounterMetricFamily(
            "segue_requests", "Requests answered.", labels=("method", "route", "status")
        )
        seconds = HistogramMetricFamily(
            "segue_request_seconds",
            "Time from the head of a request to its answer.",
            labels=("route",),
        )
        by_route: dict[str, Timed] = {}
        for (method, route, status), timed in every.requests.items():
            requests.add_metric((method, route, str(status)), timed.count)
            _add(by_route.setdefault(route, Timed()), timed)
        for route, timed in by_route.items():
            seconds.add_metric((route,), _cumulated(timed), timed.seconds)
        events = CounterMetricFamily(
            "segue_events", "Events reported, by what became of them.", labels=("outcome",)
        )
        answers = CounterMetricFamily(
            "segue_recommendations",
            "Answers to GET /recommendations: made, at hand already, quick for want of time, or "
            "what was said before.",
            labels=("how",),
        )
        for family, found in ((events, every.events), (answers, every.answers)):
            for name, number in found.items():
                family.add_metric((name,), number)
        yield from (requests, seconds, events, answers)

    def _everybodys(self) -> Numbers:
        if self._shared is None:
            return self
        self.leave()
        every = Numbers()
        for path in sorted(self._shared.glob("*.json")):
            told = msgspec.json.decode(path.read_bytes(), type=_Told)
            for method, route, status, timed in told.requests:
                _add(every.requests.setdefault((method, route, status), Timed()), timed)
            for mine, others in ((every.events, told.events), (every.answers, told.answers)):
                for name, number in others.items():
                    mine[name] = mine.get(name, 0) + number
        return every


def _add(to: Timed, timed: Timed) -> None:
    to.buckets = [one + other for one, other in zip(to.buckets, timed.buckets, strict=True)]
    to.seconds += timed.seconds


def _cumulated(timed: Timed) -> list[tuple[str, float]]:
    total, found = 0, []
    for bound, number in zip((*map(str, _BOUNDS), "+Inf"), timed.buckets, strict=True):
        total += number
        found.append((bound, float(total)))
    return found
