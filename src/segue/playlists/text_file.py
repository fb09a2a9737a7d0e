"""Delivering a playlist as text: into a file, all or nothing, or onto an open stream."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, TextIO

from segue.errors import SinkError
from segue.music.playlist import Playlist
from segue.playlists.base import PublishReport

__all__ = ["TextSink", "put_in_place"]

_CURES = {
    errno.ENOSPC: "Free some space, or write to another disk.",
    errno.EDQUOT: "Free some space, or write to another disk.",
    errno.ENOENT: "Create the folder first, or name another file.",
    errno.EISDIR: "Name a file, not a folder.",
    errno.EROFS: "Name a file on a disk that can be written.",
    errno.EPIPE: "The reader went away; run the command again.",
}


class TextSink(ABC):
    """What the file formats share; a format only says how a playlist is rendered.

    Args:
        destination: The file to write, or an open text stream. A file appears by one rename,
            so a reader sees the old playlist or the new one, never half of it.
    """

    name: ClassVar[str]

    def __init__(self, destination: Path | str | TextIO) -> None:
        path = isinstance(destination, str | Path)
        self.destination = Path(destination) if isinstance(destination, str) else destination
        self._label = str(destination) if path else str(getattr(destination, "name", "stream"))
        self._streamed: str | None = None

    @abstractmethod
    def render(self, playlist: Playlist) -> str:
        """The whole file as text, ending in a newline."""

    def publish(self, playlist: Playlist, *, dry_run: bool = False) -> PublishReport:
        """Write the playlist, unless the destination holds exactly it already.

        Raises:
            SinkError: The destination cannot be written; what was there is untouched.
        """
        text = _writable(self.render(playlist))
        try:
            changed = self._differs(text)
            if changed and not dry_run:
                self._write(text)
        except (OSError, ValueError) as error:  # ValueError: a closed stream, a NUL in a path
            raise self._failure(error) from error
        return PublishReport(self._label, len(playlist.tracks), changed, dry_run)

    def _differs(self, text: str) -> bool:
        if not isinstance(self.destination, Path):
            return text != self._streamed
        if self.destination.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not self.destination.is_file():
            return True
        return self.destination.read_bytes() != text.encode()

    def _write(self, text: str) -> None:
        if isinstance(self.destination, Path):
            put_in_place(self.destination, text.encode())
        else:
            self.destination.write(text)
            self.destination.flush()
            self._streamed = text

    def _failure(self, error: OSError | ValueError) -> SinkError:
        number = error.errno if isinstance(error, OSError) else None
        what = (error.strerror if isinstance(error, OSError) else None) or str(error)
        cure = _CURES.get(number or 0, "Name a file that you may write, with -o FILE.")
        return SinkError(f"{self._label}: the playlist cannot be written: {what}", cure=cure)


def _writable(text: str) -> str:
    """Half of a surrogate pair, as some exports hold, has no UTF-8 form."""
    return text.encode("utf-8", "replace").decode()


def put_in_place(path: Path, content: bytes) -> None:
    """Put the content in place by one rename; devices and pipes are written straight."""
    target = Path(os.path.realpath(path))  # a link stays a link
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    draft = target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            draft.chmod(stat.S_IMODE(target.stat().st_mode))
        draft.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
