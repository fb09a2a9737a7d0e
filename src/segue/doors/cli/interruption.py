"""Ctrl-C and a friendly kill: a prompt end with one clean line, whatever was going on."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

__all__ = ["Interruption"]

_GRACE_S: Final = 2.0


class Interruption:
    """Notices SIGINT and SIGTERM, and remembers which one came.

    The first one raises KeyboardInterrupt in the main thread, so that files on their way are
    cleaned up. Libraries lose that exception now and then, or are deep in a long computation, so a
    thread ends the process when it is still there after a moment, or at a second signal: what was
    committed survives a kill at any time, and the next run clears the rest away.

    Args:
        on_end: Told the exit code when the process is ended in that way.
    """

    def __init__(self, on_end: Callable[[int], None] = lambda code: None) -> None:
        self.number = 0
        self._on_end = on_end
        self._said = threading.Lock()

    @property
    def code(self) -> int:
        """The exit code of an interrupted command: 130 or 143."""
        return 128 + self.number

    @property
    def message(self) -> str:
        """What is said of it."""
        how = "interrupted" if self.number == signal.SIGINT else "ended from outside"
        return f"{how}; what was committed before is safe"

    def listen(self) -> None:
        """Take over the signals that are not ignored already (as under nohup)."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._raise)
        threading.Thread(target=self._watch, args=(reader,), daemon=True).start()

    def over(self) -> None:
        """The command has ended: what comes now would only spoil its exit code."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)

    def first_to_speak(self) -> bool:
        """Whether nobody has reported the interruption yet."""
        return self._said.acquire(blocking=False)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        del frame
        if not self.number:
            self.number = number
            # A destructor or a callback that loses the exception shall not print it either.
            sys.unraisablehook = lambda _: None
            threading.excepthook = lambda _: None
            raise KeyboardInterrupt

    def _watch(self, reader: int) -> None:
        first = os.read(reader, 1)[0]
        os.set_blocking(reader, False)
        until = time.monotonic() + _GRACE_S
        while time.monotonic() < until and not _has_byte(reader):
            time.sleep(0.02)
        self.number = self.number or first
        if self.first_to_speak():
            os.write(2, f"segue: {self.message}\n".encode())
        self._on_end(self.code)
        os._exit(self.code)


def _has_byte(reader: int) -> bool:
    try:
        return bool(os.read(reader, 1))
    except BlockingIOError:
        return False
