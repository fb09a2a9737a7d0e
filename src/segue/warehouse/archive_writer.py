"""Writing a backup as a stream: each byte once, hashed on its way."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from segue.errors import BusyError, WarehouseError
from segue.warehouse.archive_format import (
    ABOUT,
    DIGEST,
    END,
    FILES,
    About,
    ArchivedFile,
    check_path,
    header,
    padding,
)

__all__ = ["FileOnDisk", "InMemory", "ToArchive", "write_archive"]

_PIECE: Final = 1 << 20


class ToArchive(Protocol):
    """Something that becomes a file of the backup."""

    @property
    def path(self) -> str:
        """Relative to the home, with “/” between its parts."""

    @property
    def size(self) -> int | None:
        """How many bytes it has, about, for showing progress; None where nobody knows."""

    @property
    def crc32(self) -> int | None:
        """CRC-32 that its content must have; None where nobody noted it."""

    def opened(self) -> AbstractContextManager[tuple[BinaryIO, int]]:
        """Its content and how many bytes of it to take; raises OSError."""


@dataclass(frozen=True, slots=True)
class FileOnDisk:
    """A file as it is when it is opened; what is added to it later is left out."""

    path: str
    file: Path
    crc32: int | None = None

    @property
    def size(self) -> int | None:
        """Its size now."""
        try:
            return self.file.stat().st_size
        except OSError:
            return None

    @contextmanager
    def opened(self) -> Iterator[tuple[BinaryIO, int]]:
        """The open file and its size now."""
        with self.file.open("rb") as opened:
            yield opened, os.fstat(opened.fileno()).st_size


@dataclass(frozen=True, slots=True)
class InMemory:
    """A file whose content is known already."""

    path: str
    content: bytes
    crc32: int | None = None

    @property
    def size(self) -> int:
        """Its size."""
        return len(self.content)

    @contextmanager
    def opened(self) -> Iterator[tuple[BinaryIO, int]]:
        """Its content."""
        yield io.BytesIO(self.content), len(self.content)


def write_archive(
    out: BinaryIO,
    about: About,
    files: Iterable[ToArchive],
    *,
    advance: Callable[[int], None] = lambda n: None,
) -> tuple[ArchivedFile, ...]:
    """Write a whole backup to a stream that need not be seekable.

    Args:
        out: Where to; OSError of it is passed on.
        about: What it is.
        files: What goes in; each is opened when it is its turn.
        advance: Told how many bytes of files were written.

    Returns:
        What went in.

    Raises:
        BusyError: A file is not there any more, or is shorter than it was.
        WarehouseError: A file has changed since it was written.
    """
    stream = _Hashed(out)
    stream.member(ABOUT, json.dumps(about.as_dict(), indent=1).encode(), about)
    done = tuple(_write(stream, about, file, advance) for file in files)
    told = json.dumps([file.as_dict() for file in done], indent=0).encode()
    stream.member(FILES, told, about)
    stream.member(DIGEST, stream.digest().encode(), about)
    stream.write(END)
    return done


def _write(
    stream: _Hashed, about: About, file: ToArchive, advance: Callable[[int], None]
) -> ArchivedFile:
    check_path(file.path, about.parts, Path("the backup"))
    digest, crc = hashlib.sha256(), 0
    with ExitStack() as held:
        with _reading(file):
            opened, size = held.enter_context(file.opened())
        stream.write(header(file.path, size, about.made_at))
        left = size
        while left:
            with _reading(file):
                piece = opened.read(min(left, _PIECE))
            if not piece:
                raise _gone(file, "cut")
            digest.update(piece)
            crc = zlib.crc32(piece, crc)
            left -= len(piece)
            stream.write(piece)
            advance(len(piece))
    if file.crc32 not in (None, crc):
        raise WarehouseError(
            f"{file.path} has changed since it was written, and is not backed up as it is",
            cure="Put it back from an older backup, or import its source again.",
        )
    stream.write(padding(size))
    return ArchivedFile(file.path, size, digest.hexdigest())


@contextmanager
def _reading(file: ToArchive) -> Iterator[None]:
    """Faults of what is copied are not those of the place it is copied to."""
    try:
        yield
    except FileNotFoundError as error:
        raise _gone(file, "taken away") from error
    except OSError as error:
        raise WarehouseError(
            f"{file.path} cannot be read: {error.strerror or error}",
            cure="Mend its permissions or the disk, then try again.",
        ) from error


def _gone(file: ToArchive, how: str) -> BusyError:
    return BusyError(
        f"{file.path} was {how} while the backup was made",
        cure="Try again when nothing else is at work in the data home.",
    )


class _Hashed:
    """A stream, and the hash of what went through."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._hash = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self._hash.update(piece)
        self._out.write(piece)

    def member(self, path: str, content: bytes, about: About) -> None:
        self.write(header(path, len(content), about.made_at) + content + padding(len(content)))

    def digest(self) -> str:
        return self._hash.hexdigest()
