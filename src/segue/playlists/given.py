"""Which playlists were given when: a line for each new state of one that was published."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from segue.errors import SinkError
from segue.own_folder import own_folder

__all__ = ["Given", "GivenLists"]

_log = logging.getLogger(__name__)

_FILE: Final = "given.jsonl"


@dataclass(frozen=True, slots=True)
class Given:
    """A playlist as it was published.

    Args:
        playlist_id: The same for the same user and mix.
        title: Its title.
        mix: What sort of playlist; empty: made by other means.
        where: The service.
        given_at: When, aware UTC.
        track_ids: In order.
    """

    playlist_id: str
    title: str
    mix: str
    where: str
    given_at: datetime
    track_ids: tuple[str, ...]


class GivenLists:
    """What was given to one user, in an append-only file of the user's folder.

    Args:
        folder: Made when needed, for its owner only.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def note(self, given: Given) -> None:
        """Keep a line, unless the same tracks were given there last.

        Raises:
            SinkError: The file cannot be written.
        """
        same = [
            one
            for one in self.all()
            if (one.playlist_id, one.where) == (given.playlist_id, given.where)
        ]
        if same and same[-1].track_ids == given.track_ids:
            return
        told = {**asdict(given), "given_at": given.given_at.isoformat()}
        line = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            own_folder(self._path.parent)
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, b"\n" + line)  # whatever a crash has left of a line ends here
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise SinkError(
                f"{self._path} cannot be written: {error.strerror}",
                cure="Name another data home with SEGUE_HOME, or mend its permissions.",
            ) from error

    def all(self) -> list[Given]:
        """Everything that was given, in the order in which it was.

        Raises:
            SinkError: The file cannot be read.
        """
        try:
            return list(_lines(self._path.read_bytes()))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SinkError(
                f"{self._path} cannot be read: {error.strerror}", cure="Mend its permissions."
            ) from error


def _lines(content: bytes) -> Iterator[Given]:
    for line in content.splitlines():
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            yield Given(
                playlist_id=str(told["playlist_id"]),
                title=str(told["title"]),
                mix=str(told["mix"]),
                where=str(told["where"]),
                given_at=datetime.fromisoformat(told["given_at"]),
                track_ids=tuple(str(track) for track in told["track_ids"]),
            )
        except (ValueError, KeyError, TypeError):
            _log.warning("a line about a published playlist is damaged and left out")
