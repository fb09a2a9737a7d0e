"""What is known of requests afterwards: numbers for Prometheus, and a line of log for each.

Neither says who listened to what: a line has the route, never the path, and the id of the key,
never its token.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram

from segue.doors.http.call import Call, Reply

__all__ = ["AccessLog", "Metrics", "Watch"]

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS: Final = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
_FLUSH_S: Final = 0.25
_MOST_LINES: Final = 20_000


class Metrics:
    """Numbers of one process.

    Args:
        registry: Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "segue_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "segue_request_seconds",
            "Time from the headers of a request to its answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self.events = Counter(
            "segue_events",
            "Events reported, by what became of them.",
            ("outcome",),
            registry=registry,
        )
        self.answers = Counter(
            "segue_recommendations",
            "Answers to GET /recommendations: made, or at hand already.",
            ("how",),
            registry=registry,
        )


class AccessLog:
    """One JSON object a line for each request, written a few times a second.

    Args:
        write: Takes lines; None: nothing is logged.
    """

    def __init__(self, write: Callable[[str], Any] | None) -> None:
        self._write = write
        self._lines: list[bytes] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._encode = msgspec.json.Encoder().encode

    def start(self) -> None:
        """Begin to write."""
        if self._write is not None:
            self._thread = threading.Thread(target=self._follow, name="access log", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what is left."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._flush()

    def note(self, call: Call, reply: Reply, seconds: float) -> None:
        """Remember a request until it is written."""
        if self._write is None or len(self._lines) >= _MOST_LINES:
            return
        self._lines.append(
            self._encode(
                {
                    "at": datetime.now(UTC),
                    "request_id": call.request_id.decode(),
                    "method": call.method,
                    "route": call.route,
                    "status": reply.status,
                    "ms": round(seconds * 1e3, 2),
                    "bytes": len(reply.body),
                    "key": call.key.key_id if call.key is not None else None,
                }
            )
        )

    def _follow(self) -> None:
        while not self._stop.wait(_FLUSH_S):
            self._flush()

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines and self._write is not None:
            self._write(b"".join(line + b"\n" for line in lines).decode())


class Watch:
    """Sees every request go by."""

    def __init__(self, metrics: Metrics, log: AccessLog) -> None:
        self.metrics = metrics
        self.log = log
        self._seen: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    def note(self, call: Call, reply: Reply) -> None:
        """Count and log an answer."""
        seconds = time.perf_counter() - call.since
        method = call.method if call.method in _METHODS else "other"
        about = (method, call.route, reply.status)
        counted = self._seen.get(about)
        if counted is None:
            counted = self._seen[about] = self._told(*about)
        counted[0].inc()
        counted[1].observe(seconds)
        self.log.note(call, reply, seconds)

    def _told(self, method: str, route: str, status: int) -> tuple[Any, Any]:
        return (
            self.metrics.requests.labels(method, route, str(status)),
            self.metrics.seconds.labels(route),
        )
