"""Reading a backup as a stream, trusting nothing in it: every byte is accounted for."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from segue.errors import WarehouseError
from segue.warehouse.archive_format import (
    ABOUT,
    BLOCK,
    DIGEST,
    END,
    FILES,
    FORMAT,
    About,
    ArchivedFile,
    check_path,
    damaged,
    header,
    padding,
)

__all__ = ["Taker", "is_archive", "read_archive"]

_PIECE: Final = 1 << 20
_LONGEST_NAME: Final = 1 << 16
_LONGEST_ABOUT: Final = 1 << 20
_LONGEST_LIST: Final = 1 << 30
_RECORD: Final = re.compile(rb"(\d{1,6}) ([a-zA-Z.]+)=")


class Taker(Protocol):
    """Whoever gets the files, one after the other."""

    def begin(self, path: str, size: int) -> None:
        """A file begins; its path has been checked."""

    def take(self, piece: bytes) -> None:
        """The next bytes of it."""

    def end(self) -> None:
        """It is complete, though not yet known to be intact."""


class _Nobody:
    def begin(self, path: str, size: int) -> None:
        """Nothing to do."""

    def take(self, piece: bytes) -> None:
        """Nothing to do."""

    def end(self) -> None:
        """Nothing to do."""


def is_archive(path: Path) -> bool:
    """Whether a file begins as a backup does; OSError is passed on."""
    with path.open("rb") as file:
        return file.read(BLOCK).startswith(ABOUT.encode() + b"\0")


def read_archive(
    stream: BinaryIO,
    archive: Path,
    *,
    parts: tuple[str, ...],
    taker: Taker | None = None,
    on_about: Callable[[About], None] = lambda about: None,
    advance: Callable[[int], None] = lambda n: None,
) -> tuple[About, tuple[ArchivedFile, ...]]:
    """Read a backup from its first byte to its last.

    Only when this returns is what the taker got known to be what was written.

    Args:
        stream: Read forward only.
        archive: Its name, for messages.
        parts: Top-level names that may be in a home.
        taker: Gets the files; nobody by default.
        on_about: Told what the backup is, before its files come; may raise.
        advance: Told how many bytes were read.

    Raises:
        WarehouseError: It is no backup, one of a newer Segue, damaged, or not to be trusted.
    """
    reader = _Reader(stream, archive, advance)
    about = _read_about(reader)
    on_about(about)
    files: list[ArchivedFile] = []
    seen: set[str] = set()
    while True:
        path, size = reader.header()
        if path == FILES:
            break
        check_path(path, parts, archive)
        if path in seen:
            raise damaged(archive, f"{path} comes twice")
        seen.add(path)
        files.append(_read_file(reader, path, size, taker or _Nobody()))
    listed = _json(reader, size, _LONGEST_LIST, FILES)
    if listed != [file.as_dict() for file in files]:
        raise damaged(archive, "its files are not those that it lists")
    before = reader.digest()
    path, size = reader.header()
    if path != DIGEST or size != len(before) or reader.content(size) != before.encode():
        raise damaged(archive, "its checksum does not fit")
    reader.finish()
    return about, tuple(files)


def _read_about(reader: _Reader) -> About:
    archive = reader.archive
    first = reader.first()
    if not first.startswith(ABOUT.encode() + b"\0"):
        raise _no_backup(archive, first)
    path, size = reader.header()
    if path != ABOUT:
        raise _no_backup(archive, first)
    told = _json(reader, size, _LONGEST_ABOUT, ABOUT)
    try:
        number = int(told["format"])
        if number > FORMAT:
            raise WarehouseError(
                f"{archive} was written by a newer Segue ({told['segue']}, format {number};"
                f" this one reads up to format {FORMAT})",
                cure="Restore it with that version of Segue, or a later one.",
            )
        about = About(
            segue=str(told["segue"]),
            made_at=datetime.fromisoformat(told["made_at"]),
            parts=tuple(map(str, told["parts"])),
            facts=dict(told["facts"]),
            format=number,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(archive, f"{ABOUT} cannot be understood ({error})") from error
    reader.written_at(about.made_at)
    return about


def _read_file(reader: _Reader, path: str, size: int, taker: Taker) -> ArchivedFile:
    digest = hashlib.sha256()
    taker.begin(path, size)
    left = size
    while left:
        piece = reader.read(min(left, _PIECE))
        digest.update(piece)
        taker.take(piece)
        left -= len(piece)
    reader.padding(size)
    taker.end()
    return ArchivedFile(path, size, digest.hexdigest())


def _json(reader: _Reader, size: int, limit: int, name: str) -> Any:
    if size > limit:
        raise damaged(reader.archive, f"{name} is too long")
    try:
        return json.loads(reader.content(size))
    except (ValueError, RecursionError) as error:
        raise damaged(reader.archive, f"{name} cannot be understood") from error


def _records(content: bytes) -> dict[str, bytes]:
    """What an extended header tells; the comparison that follows finds whatever is wrong in it."""
    found, at = {}, 0
    while match := _RECORD.match(content, at):
        end = at + int(match[1])
        if end <= match.end():
            break
        found[match[2].decode()] = content[match.end() : end - 1]
        at = end
    return found


def _no_backup(archive: Path, first: bytes) -> WarehouseError:
    packed = {b"\x1f\x8b": "gzip -d", b"\x28\xb5\x2f\xfd": "zstd -d", b"\xfd7zXZ": "xz -d"}
    for magic, program in packed.items():
        if first.startswith(magic):
            return WarehouseError(
                f"{archive} is compressed",
                cure=f"Unpack it on the way: {program} < {archive} | segue restore -",
            )
    return WarehouseError(
        f"{archive} is no backup of Segue", cure="Give a file that `segue backup` has written."
    )


class _Reader:
    """Bytes from a stream, counted and hashed; headers must be those that Segue writes."""

    def __init__(self, stream: BinaryIO, archive: Path, advance: Callable[[int], None]) -> None:
        self.archive = archive
        self._stream = stream
        self._advance = advance
        self._hash = hashlib.sha256()
        self._ahead = b""
        self._made_at: datetime | None = None
        self._first: tuple[str, int, bytes] | None = None

    def first(self) -> bytes:
        """The first block, still to be read; shorter where there is not as much."""
        while len(self._ahead) < BLOCK and (more := self._get(BLOCK - len(self._ahead))):
            self._ahead += more
        return self._ahead

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        pieces, left = [], size
        while left:
            piece, self._ahead = self._ahead[:left], self._ahead[left:]
            piece = piece or self._get(left)
            if not piece:
                raise damaged(self.archive, "it ends too early")
            pieces.append(piece)
            left -= len(piece)
        whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._hash.update(whole)
        self._advance(len(whole))
        return whole

    def content(self, size: int) -> bytes:
        """The content of a small member, with what pads it."""
        content = self.read(size)
        self.padding(size)
        return content

    def padding(self, size: int) -> None:
        """Nothing but zeros up to the next block."""
        if self.read(-size % BLOCK) != padding(size):
            raise damaged(self.archive, "there is something between its files")

    def digest(self) -> str:
        """SHA-256 of all bytes so far, as hex."""
        return self._hash.copy().hexdigest()

    def header(self) -> tuple[str, int]:
        """Name and size of the next member."""
        raw = self.read(BLOCK)
        info = self._parsed(raw)
        path, size = info.name, info.size
        if info.type == tarfile.XHDTYPE:
            if size > _LONGEST_NAME:
                raise damaged(self.archive, "a name is too long")
            content = self.read(size) + self.read(-size % BLOCK)
            last = self.read(BLOCK)
            raw += content + last
            info = self._parsed(last)
            more = _records(content[:size])
            path = more["path"].decode("utf-8", "surrogateescape") if "path" in more else info.name
            size = self._number(more["size"]) if "size" in more else info.size
        if self._made_at is None:  # of the first member; compared as soon as its time is known
            self._first = (path, size, raw)
        else:
            self._compare(path, size, raw)
        return path, size

    def written_at(self, made_at: datetime) -> None:
        """From here on headers are compared with those of this time."""
        self._made_at = made_at
        if self._first is not None:
            self._compare(*self._first)

    def finish(self) -> None:
        """The archive ends here."""
        if self.read(len(END)) != END or self._ahead or self._get(1):
            raise damaged(self.archive, "there is something after its end")

    def _get(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except OSError as error:
            raise WarehouseError(
                f"{self.archive} cannot be read: {error.strerror or error}",
                cure="Check the disk or the connection it is on.",
            ) from error

    def _parsed(self, raw: bytes) -> tarfile.TarInfo:
        try:
            return tarfile.TarInfo.frombuf(raw, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise damaged(self.archive, "a header in it is broken") from error

    def _number(self, text: bytes) -> int:
        try:
            return int(text)
        except ValueError as error:
            raise damaged(self.archive, "a header in it is broken") from error

    def _compare(self, path: str, size: int, raw: bytes) -> None:
        assert self._made_at is not None
        try:
            expected = header(path, size, self._made_at)
        except (ValueError, OverflowError) as error:
            raise damaged(self.archive, "a header in it is broken") from error
        if raw != expected:
            raise WarehouseError(
                f"{self.archive} holds {path!r}, which is not a plain file as Segue writes it",
                cure="It is damaged or was made by something else: use another backup.",
            )
