"""The models and the history that are published now, open; newer ones take their place."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from segue.errors import NotReadyError, SegueError
from segue.flows.online.track_finder import TrackFinder
from segue.recommenders.bundle import Bundle, BundleStore
from segue.warehouse.row_lookup import RowLookup
from segue.warehouse.snapshots import Snapshot, SnapshotStore

__all__ = ["Opened", "Shelf"]

_log = logging.getLogger(__name__)
_LOOK_EVERY_S: Final = 1.0
_POINTER: Final = "current"
_LEAST_NICE: Final = 10
_PIECE_S: Final = 0.002
_LONGEST_REST_S: Final = 0.1

Seen = tuple[int, int, int] | None


@dataclass(frozen=True)
class Opened:
    """A bundle and a snapshot that answers are made of; stays as it is while anybody uses it."""

    bundle: Bundle
    snapshot: Snapshot

    @cached_property
    def name(self) -> str:
        """Of both together."""
        return f"{self.bundle.name}/{self.snapshot.name}"

    @cached_property
    def tracks(self) -> TrackFinder:
        """Finds the tracks of the bundle."""
        return TrackFinder(self.bundle.catalogue, self.rows, self.bundle.search)

    @cached_property
    def rows(self) -> RowLookup:
        """Finds what the snapshot holds of a user, or of a reference of a track."""
        return RowLookup(self.snapshot)


class Shelf:
    """What is published, opened once, and again when it changes.

    A newer one is read from end to end, opened and tried out in a thread of its own while the old
    one goes on answering; then the next question finds it. One that is damaged is refused and told
    as trouble. At the beginning, what is published is opened at once and read through
    afterwards; where it is damaged, the one before takes its place.

    Args:
        bundles: The models of a home.
        snapshots: The history of that home.
        try_out: Makes a first answer, so that the first who asks need not wait for what is read
            and worked out only once.
    """

    def __init__(
        self,
        bundles: BundleStore,
        snapshots: SnapshotStore,
        try_out: Callable[[Opened], object] = lambda opened: None,
    ) -> None:
        self._bundles = bundles
        self._snapshots = snapshots
        self._try_out = try_out
        self._opened: Opened | None = None
        self._trouble: tuple[SegueError, ...] = ()
        self._seen: tuple[Seen, Seen] = None, None
        self._looked = 0.0
        self._rests = _Rests()
        self._whole: set[str] = set()  # what was read through and found as it was written
        self._busy = threading.Lock()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Open what is published; what is wrong with it is told by `trouble`."""
        with self._busy:
            self._seen = self._look()
            self._looked = time.monotonic()
            self._take(verified=False)
        self._in_background()

    def current(self) -> Opened:
        """What to answer with.

        Raises:
            NotReadyError: Nothing has been built and trained yet, or all of it is damaged.
            WarehouseError: The snapshot is damaged.
        """
        if time.monotonic() - self._looked >= _LOOK_EVERY_S:
            self._look_again()
        if self._opened is not None:
            return self._opened
        for error in self._trouble:
            raise error
        raise NotReadyError("nothing has been trained yet", cure="Run `segue train`.")

    @property
    def opened(self) -> Opened | None:
        """What is open; None: nothing yet."""
        return self._opened

    @property
    def trouble(self) -> tuple[str, ...]:
        """What is wrong with what is published."""
        return tuple(str(error) for error in self._trouble)

    def settled(self) -> None:
        """Wait until what is being read and opened is."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _look_again(self) -> None:
        self._looked = time.monotonic()
        seen = self._look()
        if seen == self._seen or self._busy.locked():
            return
        self._seen = seen
        self._in_background()

    def _in_background(self) -> None:
        self._thread = threading.Thread(target=self._read, name="segue-reload", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        _step_back()
        self._rests = _Rests()
        with self._busy:
            self._take(verified=True)

    def _take(self, *, verified: bool) -> None:
        """Open the best there is: what is published, or else what was before."""
        trouble: list[SegueError] = []
        bundle = self._bundle(trouble, verified=verified)
        snapshot = self._snapshot(trouble, verified=verified)
        if bundle is not None and snapshot is not None:
            opened = Opened(bundle, snapshot)
            if self._opened is None or opened.name != self._opened.name:
                with suppress(SegueError):  # whoever asks is told
                    self._try_out(opened)
                self._opened = opened
                _log.info("answering with %s", opened.name)
        for error in trouble:
            _log.warning("what was published cannot be used: %s", error)
        self._trouble = tuple(trouble)

    def _bundle(self, trouble: list[SegueError], *, verified: bool) -> Bundle | None:
        for name in _names(self._bundles.names, trouble):
            try:
                if verified and name not in self._whole:
                    self._bundles.verify(name, self._rests)
                    self._whole.add(name)
                if self._opened is not None and self._opened.bundle.name == name:
                    return self._opened.bundle
                return self._bundles.open(name)
            except SegueError as error:
                trouble.append(error)
        return self._opened.bundle if self._opened else None

    def _snapshot(self, trouble: list[SegueError], *, verified: bool) -> Snapshot | None:
        for name in _names(self._snapshots.names, trouble):
            snapshot = self._snapshots.called(name)
            try:
                if not verified:
                    snapshot.rows("users")
                elif name not in self._whole:
                    snapshot.verify(self._rests)
                    self._whole.add(name)
                return snapshot
            except SegueError as error:
                trouble.append(error)
        return self._opened.snapshot if self._opened else None

    def _look(self) -> tuple[Seen, Seen]:
        return _seen(self._bundles.folder / _POINTER), _seen(self._snapshots.folder / _POINTER)


def _step_back() -> None:
    """Let others of this process go first, from this thread on, where a thread can be told so."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LEAST_NICE)


class _Rests:
    """Rests of a thread as long as its work: whoever answers meanwhile has the other half.

    A lower priority alone would not do. A thread holds Python's lock now and then, and whoever
    answers then waits for it to have its turn on a core, which with a low priority may take long.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()

    def __call__(self) -> None:
        worked = time.monotonic() - self._since
        if worked >= _PIECE_S:
            time.sleep(min(worked, _LONGEST_REST_S))
            self._since = time.monotonic()


def _names(names: Callable[[], tuple[str, ...]], trouble: list[SegueError]) -> tuple[str, ...]:
    try:
        return names()
    except SegueError as error:
        trouble.append(error)
        return ()


def _seen(path: Path) -> Seen:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns, about.st_size
