"""What is remembered of a playlist that was published elsewhere: which one it is, and its state."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from segue.errors import BusyError, SinkError
from segue.own_folder import own_folder
from segue.playlists.text_file import put_in_place

__all__ = ["Note", "PublishedLists"]

_WAIT_S: Final = 60.0
_NAME: Final = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Note:
    """One playlist at one destination.

    Args:
        remote_id: Its id there; empty: it was not made yet.
        asked_for: The title under which making it was asked for; the answer may have been lost.
        version: The destination's name for the state in which it held `keys`; empty: unknown.
        keys: What it held then.
        matches: track_id -> key, of tracks that had to be looked for.
        cover: A hash of the cover that was given to it there; empty: none was.
        greyed: Keys that are there, but that the user cannot play.
    """

    remote_id: str = ""
    asked_for: str = ""
    version: str = ""
    keys: tuple[str, ...] = ()
    matches: dict[str, str] = field(default_factory=dict)
    cover: str = ""
    greyed: tuple[str, ...] = ()

    def with_state(self, version: str, keys: tuple[str, ...]) -> Note:
        """The same list in another state."""
        return replace(self, version=version, keys=keys)


class PublishedLists:
    """Notes of one user's published playlists, a file each, written by one rename.

    Args:
        folder: Made when needed, for its owner only.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def alone(self, destination: str) -> Iterator[None]:
        """Have a destination to oneself, so that no two processes make the same playlist.

        Raises:
            BusyError: Another process has been publishing there for too long.
            SinkError: The folder cannot be written.
        """
        handle = self._opened(destination)
        try:
            _take(handle, destination)
            yield
        finally:
            os.close(handle)

    def read(self, destination: str, playlist_id: str) -> Note:
        """What is remembered; an empty note where nothing is.

        Raises:
            SinkError: The note cannot be read.
        """
        path = self._path(destination, playlist_id)
        try:
            return _note(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Note()
        except (OSError, ValueError, TypeError) as error:
            raise SinkError(
                f"{path} cannot be read: {error}",
                cure="Remove it: the playlist is then looked for at its destination.",
            ) from error

    def write(self, destination: str, playlist_id: str, note: Note) -> None:
        """Remember it from now on.

        Raises:
            SinkError: The folder cannot be written.
        """
        path = self._path(destination, playlist_id)
        try:
            put_in_place(path, json.dumps(asdict(note)).encode())
        except OSError as error:
            raise _unwritable(path, error) from error

    def taken(self, destination: str, *, but: str) -> frozenset[str]:
        """Ids at a destination that other playlists have."""
        own = self._path(destination, but)
        others = [path for path in self._all(destination) if path != own]
        found = (self.read(destination, path.stem.partition("=")[2]) for path in others)
        return frozenset(note.remote_id for note in found if note.remote_id)

    def _all(self, destination: str) -> list[Path]:
        return sorted(self.folder.glob(f"{_plain(destination)}=*.json"))

    def _path(self, destination: str, playlist_id: str) -> Path:
        return self.folder / f"{_plain(destination)}={_plain(playlist_id)}.json"

    def _opened(self, destination: str) -> int:
        path = self.folder / f".{_plain(destination)}.lock"
        try:
            own_folder(self.folder)
            return os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise _unwritable(path, error) from error


def _take(handle: int, destination: str) -> None:
    ends = time.monotonic() + _WAIT_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > ends:
                raise BusyError(
                    f"another process has been publishing to {destination} for {_WAIT_S:.0f} s",
                    cure="Try again when it is done.",
                ) from error
            time.sleep(0.05)
        else:
            return


def _note(told: Any) -> Note:
    if not isinstance(told, dict):
        raise TypeError("no note of a playlist")
    return Note(
        remote_id=str(told.get("remote_id", "")),
        asked_for=str(told.get("asked_for", "")),
        version=str(told.get("version", "")),
        keys=tuple(str(key) for key in told.get("keys", ())),
        matches={str(track): str(key) for track, key in dict(told.get("matches", {})).items()},
        cover=str(told.get("cover", "")),
        greyed=tuple(str(key) for key in told.get("greyed", ())),
    )


def _plain(name: str) -> str:
    """A name as a part of a file's name."""
    return _NAME.sub("_", name)


def _unwritable(path: Path, error: OSError) -> SinkError:
    return SinkError(
        f"{path} cannot be written: {error.strerror}",
        cure="Name another data home with SEGUE_HOME, or mend its permissions.",
    )
