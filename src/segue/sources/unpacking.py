"""Unpacking one compressed file to a temporary file, counting every byte on the way."""

from __future__ import annotations

import errno
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from segue.errors import SourceError, StorageError
from segue.sources.input_limits import InputLimits

__all__ = ["READ_FAULTS", "Place", "check_ratio", "check_size", "not_empty", "unpacked"]

READ_FAULTS = (
    OSError,
    EOFError,
    RuntimeError,  # NotImplementedError too: a compression method that Python does not know
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""What reading compressed bytes may raise when they are damaged."""

_BLOCK = 1 << 20
_RATIO_FROM = 10_000_000
"""Files that unpack to less than this cannot hurt, whatever their ratio."""


class Readable(Protocol):
    """The part of a binary file that unpacking needs."""

    def read(self, n: int = -1, /) -> bytes:
        """At most n bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which file it is, for messages."""

    path: Path
    member: str

    def error(self, message: str, cure: str) -> SourceError:
        """The error of this file."""
        return SourceError(message, path=self.path, member=self.member, cure=cure)


def check_size(place: Place, size: int, limits: InputLimits) -> None:
    """Refuse a file that is, or says it is, larger than the limit."""
    if size > limits.max_member_bytes:
        raise place.error(
            f"unpacks to more than {limits.max_member_bytes:,} bytes, the limit for one file",
            "If you trust it, raise the setting inputs.max_member_bytes.",
        )


def check_ratio(place: Place, size: int, packed: int, limits: InputLimits) -> None:
    """Refuse a file that grows beyond reason when it is unpacked."""
    if size > _RATIO_FROM and size > limits.max_ratio * max(packed, 1):
        raise place.error(
            f"unpacks to over {limits.max_ratio:,.0f} times its packed size, as zip bombs do",
            "If you trust it, unpack it yourself and import the folder,"
            " or raise the setting inputs.max_ratio.",
        )


def not_empty(place: Place, size: int) -> None:
    """Refuse a file without a single byte."""
    if size == 0:
        raise place.error("the file is empty (0 bytes)", "Download or copy it again.")


@contextmanager
def unpacked(
    stream: Readable, place: Place, packed: int, *, limits: InputLimits, folder: Path | None
) -> Iterator[Path]:
    """The content of `stream` as a file in `folder`, gone when the context ends.

    Args:
        stream: Unpacks as it is read.
        place: Named in errors.
        packed: Bytes before unpacking.
        limits: Checked against the bytes that really come out, whatever headers say.
        folder: Where the file goes; None means the system's folder for temporary files.

    Raises:
        SourceError: The content is damaged, empty or over a limit.
        StorageError: No room to unpack it.
    """
    with _new_file(folder, place) as file:
        path = Path(file.name)
        try:
            _copy(stream, file, place=place, packed=packed, limits=limits)
            file.close()
            yield path
        finally:
            path.unlink(missing_ok=True)


def _new_file(folder: Path | None, place: Place) -> IO[bytes]:
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        return tempfile.NamedTemporaryFile(
            dir=folder, prefix="unpacked-", suffix=Path(place.member).suffix[:16], delete=False
        )
    except OSError as error:
        raise _no_room(error) from error


def _copy(
    stream: Readable, file: IO[bytes], *, place: Place, packed: int, limits: InputLimits
) -> None:
    size = 0
    while block := _read(stream, place):
        size += len(block)
        check_size(place, size, limits)
        check_ratio(place, size, packed, limits)
        try:
            file.write(block)
        except OSError as error:
            raise _no_room(error) from error
    not_empty(place, size)
    try:
        file.flush()
    except OSError as error:
        raise _no_room(error) from error


def _read(stream: Readable, place: Place) -> bytes:
    try:
        return stream.read(_BLOCK)
    except READ_FAULTS as error:
        raise place.error(
            f"the packed content is damaged ({error})",
            "Download the archive again; if that fails, unpack what can be unpacked"
            " and import the folder.",
        ) from error


def _no_room(error: OSError) -> StorageError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageError(
            "the disk is full: there is no room to unpack the input",
            cure="Free some space, or move the data home with SEGUE_HOME.",
        )
    return StorageError(
        f"the input cannot be unpacked: {error}",
        cure="Check that the data home can be written, or move it with SEGUE_HOME.",
    )
