"""What is kept of a request once it is answered: it is counted, and becomes a line of the log.

Neither says who listened to what: a line has the route, never the path, and the id of the key,
never its token.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from segue.doors.http.call import Call, Reply
from segue.doors.http.numbers import Numbers, Timed
from segue.errors import SegueError

__all__ = ["Watch"]

_log = logging.getLogger(__name__)
_METHODS: Final = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
_FLUSH_S: Final = 0.25
_MOST_LINES: Final = 20_000
_LINE: Final = (
    '{"at":"%s.%03dZ","request_id":"%s","method":"%s","route":"%s","status":%d,"ms":%.2f,"bytes":%d,'
    '"key":%s}\n'
)


class Watch:
    """Sees every request go by; a thread writes their lines a few times a second.

    Args:
        numbers: Where they are counted.
        write: Takes finished lines; None: nothing is logged.
    """

    def __init__(self, numbers: Numbers, write: Callable[[str], Any] | None) -> None:
        self._numbers = numbers
        self._write = write
        self._lines: list[str] = []
        self._second = ""
        self._until = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="access log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what is left."""
        self._stop.set()
        self._thread.join()
        self._tell()

    def note(self, call: Call, reply: Reply) -> None:
        """Count an answer, and remember it until its line is written."""
        seconds = time.perf_counter() - call.since
        method = call.method if call.method in _METHODS else "other"
        about = (method, call.route, reply.status)
        timed = self._numbers.requests.get(about)
        if timed is None:
            timed = self._numbers.requests[about] = Timed()
        timed.add(seconds)
        if self._write is not None and len(self._lines) < _MOST_LINES:
            now = time.time()
            if now >= self._until:
                self._second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
                self._until = int(now) + 1.0
            self._lines.append(
                _LINE
                % (
                    self._second,
                    now % 1 * 1000,
                    call.request_id.decode(),
                    method,
                    call.route,
                    reply.status,
                    seconds * 1e3,
                    len(reply.body),
                    "null" if call.key is None else f'"{call.key.key_id}"',
                )
            )

    def _follow(self) -> None:
        while not self._stop.wait(_FLUSH_S):
            self._tell()

    def _tell(self) -> None:
        lines, self._lines = self._lines, []
        if lines and self._write is not None:
            self._write("".join(lines))
        try:
            self._numbers.leave()
        except SegueError as error:
            _log.warning("%s", error)
