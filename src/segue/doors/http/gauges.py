"""Numbers of the service that are looked up when Prometheus asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from segue.flows.online import Service

__all__ = ["Gauges"]


class Gauges(Collector):
    """How far behind the consumers are, and how old the models.

    Args:
        clock: The moment, aware.
    """

    def __init__(self, service: Service, clock: Callable[[], datetime]) -> None:
        self._service = service
        self._clock = clock

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is looked up before somebody asks."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The numbers of this moment."""
        health = self._service.health()
        yield GaugeMetricFamily(
            "segue_ready", "Whether recommendations can be made.", int(health.ready)
        )
        yield GaugeMetricFamily(
            "segue_troubles", "Things that are wrong; see GET /health/ready.", len(health.trouble)
        )
        behind = GaugeMetricFamily(
            "segue_events_behind", "Events that a consumer has yet to take.", labels=("consumer",)
        )
        for consumer, events in health.behind.items():
            behind.add_metric((consumer,), events)
        yield behind
        if health.trained_at is not None:
            age = (self._clock() - health.trained_at).total_seconds()
            yield GaugeMetricFamily(
                "segue_bundle_age_seconds", "Time since the models were trained.", age
            )
