"""Files inside zip archives, and gzipped files: listed safely, unpacked one at a time."""

from __future__ import annotations

import gzip
import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from segue.errors import SourceError
from segue.sources.input_limits import InputLimits
from segue.sources.unpacking import (
    READ_FAULTS,
    Place,
    check_ratio,
    check_size,
    unpacked,
)

__all__ = ["GzippedFile", "ZipMember", "is_archive_name", "is_clutter", "zip_members"]

_ENCRYPTED = 0x1
_ARCHIVES = (".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar", ".zst")
_DRIVE = re.compile(r"^[A-Za-z]:")


def is_clutter(name: str) -> bool:
    """Whether a path is what systems leave behind: hidden files and __MACOSX.

    >>> is_clutter("__MACOSX/._plays.json"), is_clutter("data/plays.json")
    (True, False)
    """
    return any(part == "__MACOSX" or part.startswith(".") for part in PurePosixPath(name).parts)


def is_archive_name(name: str) -> bool:
    """Whether the name says that the file is itself an archive, which is not opened."""
    return name.lower().endswith(_ARCHIVES)


@dataclass
class ZipMember:
    """One file of a zip archive."""

    input: Path
    name: str
    size: int
    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    limits: InputLimits
    temp_folder: Path | None
    _head: bytes = field(default=b"", repr=False)

    def head(self, n: int = 4096) -> bytes:
        """The first bytes; what can be read of them when the member is damaged."""
        if len(self._head) < min(n, self.size):
            try:
                with self.archive.open(self.info) as stream:
                    self._head = stream.read(n)
            except READ_FAULTS:
                return self._head[:n]  # on_disk says what is wrong
        return self._head[:n]

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """The member as a real file for as long as the context lasts."""
        place = Place(self.input, self.name)
        try:
            stream = self.archive.open(self.info)
        except READ_FAULTS as error:
            raise place.error(
                f"the archive is damaged here ({error})", "Download the archive again."
            ) from error
        packed = self.info.compress_size
        with (
            stream,
            unpacked(stream, place, packed, limits=self.limits, folder=self.temp_folder) as path,
        ):
            yield path


@dataclass
class GzippedFile:
    """One gzipped file, under its name without `.gz`."""

    input: Path
    name: str
    path: Path
    limits: InputLimits
    temp_folder: Path | None
    _head: bytes = field(default=b"", repr=False)

    @property
    def size(self) -> int:
        """Bytes unpacked as the last four bytes of the file tell it: a hint, never a limit."""
        try:
            with self.path.open("rb") as file:
                file.seek(-4, 2)
                return int.from_bytes(file.read(4), "little")
        except OSError:
            return 0

    def head(self, n: int = 4096) -> bytes:
        """The first bytes; what can be read of them when the file is damaged."""
        if len(self._head) < n:
            try:
                with gzip.open(self.path) as stream:
                    self._head = stream.read(n)
            except READ_FAULTS:
                return self._head[:n]  # on_disk says what is wrong
        return self._head[:n]

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """The content as a real file for as long as the context lasts."""
        place = Place(self.input, self.name)
        packed = self.path.stat().st_size
        with (
            gzip.open(self.path) as stream,
            unpacked(stream, place, packed, limits=self.limits, folder=self.temp_folder) as path,
        ):
            yield path


def zip_members(
    archive: zipfile.ZipFile, path: Path, limits: InputLimits, *, temp_folder: Path | None
) -> tuple[list[ZipMember], list[str]]:
    """The files of an archive, and the names of those that are not opened.

    Not opened: links, and archives inside the archive. Hidden files are passed over in silence.

    Raises:
        SourceError: A name that leaves the archive, an encrypted member, or a limit passed.
    """
    infos = archive.infolist()
    if len(infos) > limits.max_members:
        raise SourceError(
            f"holds {len(infos):,} files, more than the limit of {limits.max_members:,}",
            path=path,
            cure="If you trust it, raise the setting inputs.max_members.",
        )
    members: list[ZipMember] = []
    unopened: list[str] = []
    seen: dict[str, int] = {}
    for info in infos:
        _check_name(info.orig_filename, path)
        full_name = _with_slashes(info.filename)
        if full_name.endswith("/") or is_clutter(full_name):
            continue
        if stat.S_ISLNK(info.external_attr >> 16) or is_archive_name(full_name):
            unopened.append(full_name)
            continue
        _check_member(info, path, limits)
        seen[full_name] = copies = seen.get(full_name, 0) + 1
        name = full_name if copies == 1 else f"({copies})/{full_name}"
        members.append(ZipMember(path, name, info.file_size, archive, info, limits, temp_folder))
    _check_total(members, path, limits)
    return members, unopened


def _with_slashes(name: str) -> str:
    """A name as it should be: some programs for Windows separate folders in their own way."""
    return name.replace("\\", "/")


def _check_name(name: str, path: Path) -> None:
    plain = _with_slashes(name)
    leaves = plain.startswith("/") or ".." in PurePosixPath(plain).parts or _DRIVE.match(plain)
    if leaves or "\0" in name:
        raise SourceError(
            "the archive names a file outside itself",
            path=path,
            member=name.replace("\0", "␀"),
            cure="Do not trust this archive: download your export again from where it came.",
        )


def _check_member(info: zipfile.ZipInfo, path: Path, limits: InputLimits) -> None:
    place = Place(path, info.filename)
    if info.flag_bits & _ENCRYPTED:
        raise place.error(
            "the file is encrypted", "Unpack the archive with its password, import the folder."
        )
    check_size(place, info.file_size, limits)
    check_ratio(place, info.file_size, info.compress_size, limits)


def _check_total(members: list[ZipMember], path: Path, limits: InputLimits) -> None:
    # A member never gives more bytes than it declares (zipfile stops there), so the declared
    # sum bounds the real one.
    if sum(member.size for member in members) > limits.max_total_bytes:
        raise SourceError(
            f"unpacks to more than {limits.max_total_bytes:,} bytes, the limit for one input",
            path=path,
            cure="If you trust it, raise the setting inputs.max_total_bytes.",
        )
