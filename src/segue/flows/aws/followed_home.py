"""Models and marts that somebody else publishes to S3, on this machine as long as it lives.

A version is fetched beside the one that answers and takes its place in one moment; whatever goes
wrong on the way, the one that answers stays.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from segue.aws.kept_files import KeptFile, KeptFiles
from segue.errors import NotReadyError, SegueError, StorageError, WarehouseError
from segue.flows.home_parts import MODELS, SNAPSHOTS
from segue.own_folder import own_folder
from segue.warehouse.storage import write_atomically

__all__ = ["FollowedHome", "Following"]

_log = logging.getLogger(__name__)
_POINTER: Final = "current"
_FETCHING: Final = ".fetching-"
_PARTS: Final = (SNAPSHOTS, MODELS)
"""In this order: models are never newer than the history that they were made of."""

_AGAIN_S: Final = 5.0


class FollowedHome:
    """A home that is only read, as it is published somewhere.

    Args:
        files: Of the home that is followed.
        home: The folder here; nothing but this writes there.
    """

    def __init__(self, files: KeptFiles, home: Path) -> None:
        self._files = files
        self._home = home
        self._seen: Mapping[str, KeptFile] = {}

    @property
    def empty(self) -> bool:
        """Whether there is nothing to answer with yet."""
        return not all((self._home / part / _POINTER).is_file() for part in _PARTS)

    def fetch(self) -> bool:
        """Have what is published now; whether anything was new.

        Raises:
            NotReadyError: Nothing is published.
            WarehouseError: A file is not as it was written.
            StorageError: There is no room.
            ServiceError: S3 refuses or does not answer.
        """
        published = {
            name: one
            for name, one in self._files.look().items()
            if PurePosixPath(name).parts[:1] in ((MODELS,), (SNAPSHOTS,))
        }
        if published == self._seen:
            return False
        try:
            named = {part: self._fetch_part(part, published) for part in _PARTS}
            for part, name in named.items():
                write_atomically(self._home / part / _POINTER, f"{name}\n".encode())
        except OSError as error:
            raise StorageError(
                f"{self._home} cannot be filled: {error.strerror}",
                cure="Give the function more temporary storage: both the old and the new fit in.",
            ) from error
        self._seen = published
        return True

    def _fetch_part(self, part: str, published: Mapping[str, KeptFile]) -> str:
        folder = self._home / part
        own_folder(folder)
        name, before = self._named(part, published), _pointed(folder)
        for old in folder.iterdir():  # whoever still reads what is removed keeps its files
            if old.is_dir() and old.name not in (name, before):
                shutil.rmtree(old)
        if (folder / name).is_dir():
            return name
        staging, prefix = folder / f"{_FETCHING}{name}", f"{part}/{name}/"
        wanted = {
            _below(staging, one.removeprefix(prefix)): kept
            for one, kept in published.items()
            if one.startswith(prefix)
        }
        self._files.fetch(wanted)
        staging.rename(folder / name)
        _log.info("%s %s: %d files fetched", part, name, len(wanted))
        return name

    def _named(self, part: str, published: Mapping[str, KeptFile]) -> str:
        """What is published of a part."""
        kept = published.get(f"{part}/{_POINTER}")
        if kept is None:
            raise NotReadyError(
                f"nothing is published at {self._files.where}{part}",
                cure="Let the updater run, or publish a home with `segue aws publish`.",
            )
        told = self._home / f"{_FETCHING}{part}"
        self._files.fetch({told: kept})
        name = told.read_text("utf-8", errors="replace").strip()
        if not name or Path(name).name != name or name.startswith("."):
            raise WarehouseError(
                f"{self._files.where}{part}/{_POINTER} names nothing", cure="Publish it again."
            )
        return name


class Following:
    """Looks for something newer now and then, while requests are answered.

    Args:
        home: What is followed.
        every_s: Seconds between two looks.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        home: FollowedHome,
        *,
        every_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._home = home
        self._every_s = every_s
        self._clock = clock
        self._due = 0.0
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Look, if it is time to; nobody waits for it who can be answered without.

        A function stands still between two requests, and so does this: it goes on with the next.
        """
        if self._clock() < self._due or (self._thread is not None and self._thread.is_alive()):
            return
        self._due = self._clock() + self._every_s
        if self._home.empty:
            self._fetch()
            return
        self._thread = threading.Thread(target=self._fetch, name="segue-published", daemon=True)
        self._thread.start()

    def settled(self) -> None:
        """Wait until what is being fetched is here."""
        if self._thread is not None:
            self._thread.join()

    def _fetch(self) -> None:
        try:
            self._home.fetch()
        except SegueError as error:
            _log.warning("what is published cannot be had: %s", error)
            self._due = self._clock() + min(_AGAIN_S, self._every_s)


def _pointed(folder: Path) -> str:
    try:
        return (folder / _POINTER).read_text("utf-8").strip()
    except OSError:
        return ""


def _below(folder: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise WarehouseError(f"“{name}” is no name of a file", cure="Publish it again.")
    return folder.joinpath(*parts)
