"""The models and the history that are published now, open; newer ones take their place."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
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

Seen = tuple[int, int, int] | None


@dataclass(frozen=True)
class Opened:
    """A bundle and a snapshot that answers are made of; stays as it is while anybody uses it."""

    bundle: Bundle
    snapshot: Snapshot

    @property
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


@dataclass
class Shelf:
    """What is published, opened once, and again when it changes.

    A newer one is opened in a thread of its own while the old one goes on answering. One that
    cannot be opened is told as trouble, and the old one stays.

    Args:
        bundles: The models of a home.
        snapshots: The history of that home.
    """

    bundles: BundleStore
    snapshots: SnapshotStore
    _opened: Opened | None = None
    _trouble: NotReadyError | SegueError | None = None
    _seen: tuple[Seen, Seen] | None = None
    _looked: float = 0.0
    _opening: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def open(self) -> None:
        """Open what is published; what is wrong with it is told by `trouble`."""
        with self._opening:
            self._seen = self._look()
            self._looked = time.monotonic()
            self._take()

    def current(self) -> Opened:
        """What to answer with.

        Raises:
            NotReadyError: Nothing has been built and trained yet.
            WarehouseError: What was published is damaged, and nothing older is open.
        """
        if time.monotonic() - self._looked >= _LOOK_EVERY_S:
            self._look_again()
        if self._opened is not None:
            return self._opened
        raise self._trouble or NotReadyError(
            "nothing has been trained yet", cure="Run `segue train`."
        )

    @property
    def opened(self) -> Opened | None:
        """What is open; None: nothing yet."""
        return self._opened

    @property
    def trouble(self) -> str:
        """Why the newest is not what answers; empty if it is."""
        return "" if self._trouble is None else str(self._trouble)

    def close(self) -> None:
        """Wait for what is being opened."""
        if self._thread is not None:
            self._thread.join()

    def _look_again(self) -> None:
        self._looked = time.monotonic()
        seen = self._look()
        if seen == self._seen or not self._opening.acquire(blocking=False):
            return
        self._seen = seen
        self._thread = threading.Thread(target=self._take_and_release, name="segue-reload")
        self._thread.start()

    def _take_and_release(self) -> None:
        try:
            self._take()
        finally:
            self._opening.release()

    def _take(self) -> None:
        try:
            opened = Opened(self.bundles.current(), self.snapshots.current())
        except SegueError as error:
            self._trouble = error
            _log.warning("what was published cannot be opened: %s", error)
            return
        if self._opened is None or opened.name != self._opened.name:
            self._opened = opened
            _log.info("answering with %s", opened.name)
        self._trouble = None

    def _look(self) -> tuple[Seen, Seen]:
        return _seen(self.bundles.folder / _POINTER), _seen(self.snapshots.folder / _POINTER)


def _seen(path: Path) -> Seen:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns, about.st_size
