"""A process beside those that answer, which ends with them."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

from segue.settings import Settings

__all__ = ["run_child", "set_when_unwanted"]

_LAST_TURN_S: Final = 10.0
_LOOK_S: Final = 0.1


def run_child(
    work: Callable[[Settings, Connection], None],
    settings: Settings,
    name: str,
    *,
    stop: threading.Event,
    last_turn_s: float = _LAST_TURN_S,
) -> int | None:
    """Have a process do some work to its end, or until told to stop; its exit code.

    Whoever is in the middle of something long then is killed after a while.

    Args:
        work: Called there; see `set_when_unwanted`.
        name: Of the process.
        stop: Set when the work is not wanted any more.
        last_turn_s: So long it may then take to end by itself.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(settings, theirs), name=name)
    process.start()
    theirs.close()
    while process.is_alive() and not stop.wait(_LOOK_S):
        continue
    ours.close()  # that is how it knows
    process.join(last_turn_s)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode


def set_when_unwanted(wanted: Connection, stop: threading.Event) -> None:
    """In such a process: have the event set when whoever began it wants no more, or is gone.

    Signals of the terminal are not for it: the service decides when it ends.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)

    def wait() -> None:
        try:
            wanted.recv()
        except (EOFError, OSError):
            stop.set()

    threading.Thread(target=wait, name="wanted", daemon=True).start()
