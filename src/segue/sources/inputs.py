"""Opening what a user named (an archive, a folder, a file) as a list of files, safely."""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from segue.errors import SourceError
from segue.sources.archives import GzippedFile, is_archive_name, is_clutter, zip_members
from segue.sources.base import InputFile
from segue.sources.input_limits import InputLimits
from segue.sources.unpacking import Place, not_empty

__all__ = ["InputLimits", "OpenedInput", "PlainFile", "open_input"]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP = b"\x1f\x8b"
_OTHER_ARCHIVES = {
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
}
_TAR_AT = 257


@dataclass(frozen=True)
class OpenedInput:
    """What one input holds.

    Args:
        path: What the user named, absolute.
        files: The files it holds, in natural order of their names (2 before 10).
        unopened: Names that were seen and not opened: archives inside, links that lead outside,
            folders that cannot be read.
    """

    path: Path
    files: tuple[InputFile, ...]
    unopened: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlainFile:
    """A file that lies on the disk as it is."""

    input: Path
    name: str
    path: Path

    @property
    def size(self) -> int:
        """Bytes; 0 when the file has gone."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def head(self, n: int = 4096) -> bytes:
        """The first bytes; none when the file cannot be read, which `on_disk` reports."""
        try:
            with self.path.open("rb") as file:
                return file.read(n)
        except OSError:
            return b""

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """The file itself."""
        place = Place(self.input, "" if self.path == self.input else self.name)
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise _unreadable(place, error) from error
        not_empty(place, size)
        yield self.path


@contextmanager
def open_input(
    path: Path, limits: InputLimits | None = None, *, temp_folder: Path | None = None
) -> Iterator[OpenedInput]:
    """Open a zip archive (whatever its name), a folder (any depth), or a single file (also .gz).

    Nothing is unpacked until a file's `on_disk` is entered, and then only that file.

    Args:
        path: What the user named.
        limits: How much it may hold; None means the defaults.
        temp_folder: Where members are unpacked; None means the system's temporary folder.

    Raises:
        SourceError: It is missing, unreadable, damaged, empty, over a limit or not to be trusted.

    >>> with open_input(Path("my_spotify_data.zip")) as opened:        # doctest: +SKIP
    ...     names = [file.name for file in opened.files]
    """
    limits = limits or InputLimits()
    path = path.expanduser().absolute()
    mode = _mode(path)
    if stat.S_ISDIR(mode):
        yield _open_folder(path, limits, temp_folder)
    elif not stat.S_ISREG(mode):
        raise SourceError(
            "is neither a file nor a folder", path=path, cure="Give a file, a zip or a folder."
        )
    elif _start(path).startswith(_ZIP):
        with _zip(path) as archive:
            members, unopened = zip_members(archive, path, limits, temp_folder=temp_folder)
            yield _listed(path, members, unopened)
    else:
        yield _listed(path, [_open_single(path, limits, temp_folder)], [])


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError as error:
        raise SourceError(
            "there is no such file or folder", path=path, cure="Check the spelling of the path."
        ) from error
    except (OSError, ValueError) as error:
        raise _unreadable(Place(path, ""), error) from error


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise _unreadable(Place(path, ""), error) from error
    not_empty(Place(path, ""), len(start))
    return start


def _unreadable(place: Place, error: Exception) -> SourceError:
    if isinstance(error, PermissionError):
        return place.error("you may not read it", "Allow reading, for example with chmod u+r.")
    return place.error(f"cannot be read: {error}", "Check the path and the disk.")


@contextmanager
def _zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise SourceError(
            f"the zip archive is truncated or damaged ({error})",
            path=path,
            cure="Download or copy it again.",
        ) from error
    with archive:
        yield archive


def _open_single(path: Path, limits: InputLimits, temp_folder: Path | None) -> InputFile:
    start = _start(path)
    if path.suffix.lower() == ".zip":
        page = start.lstrip()[:9].lower().startswith((b"<!doctype", b"<html"))
        raise SourceError(
            "is not a zip archive, whatever its name says"
            + (": it is a web page, perhaps an expired download link" if page else ""),
            path=path,
            cure="Download it again, or give the unpacked folder.",
        )
    file = _file(path, path.name, path, limits=limits, temp_folder=temp_folder)
    if kind := _other_archive(file.head(512)):
        raise SourceError(
            f"is {kind}, which is not opened", path=path, cure="Unpack it and give the folder."
        )
    return file


def _other_archive(start: bytes) -> str:
    if start[_TAR_AT:].startswith(b"ustar"):
        return "a tar archive"
    return next((kind for magic, kind in _OTHER_ARCHIVES.items() if start.startswith(magic)), "")


def _file(
    input_path: Path, name: str, path: Path, *, limits: InputLimits, temp_folder: Path | None
) -> InputFile:
    plain = PlainFile(input_path, name, path)
    if plain.head(2) != _GZIP:
        return plain
    bare = re.sub(r"\.gz$", "", name, flags=re.IGNORECASE)
    return GzippedFile(input_path, bare, path, limits, temp_folder)


def _open_folder(path: Path, limits: InputLimits, temp_folder: Path | None) -> OpenedInput:
    files: list[InputFile] = []
    unopened: list[str] = []
    for found in _walk(path, unopened):
        name = found.relative_to(path).as_posix()
        if _leads_out(found, path):
            unopened.append(name)
            continue
        file = _file(path, name, found, limits=limits, temp_folder=temp_folder)
        if is_archive_name(name) and not isinstance(file, GzippedFile):
            unopened.append(name)
        else:
            files.append(file)
        if len(files) > limits.max_members:
            raise SourceError(
                f"holds more than {limits.max_members:,} files, the limit",
                path=path,
                cure="Give the folder of the export itself, or raise inputs.max_members.",
            )
    return _listed(path, files, unopened)


def _walk(folder: Path, unopened: list[str]) -> Iterator[Path]:
    """Regular files below `folder` that are not clutter; links to folders are not followed."""

    def unreadable(error: OSError) -> None:
        if error.filename is None or Path(error.filename) == folder:
            raise _unreadable(Place(folder, ""), error) from error
        unopened.append(Path(error.filename).relative_to(folder).as_posix())

    for here, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not is_clutter(name)]
        for name in names:
            found = Path(here, name)
            if not is_clutter(name) and found.is_file():
                yield found


def _leads_out(found: Path, folder: Path) -> bool:
    return found.is_symlink() and not found.resolve().is_relative_to(folder.resolve())


def _listed(path: Path, files: Sequence[InputFile], unopened: list[str]) -> OpenedInput:
    if not files and not unopened:
        raise SourceError(
            "holds no files", path=path, cure="Check that the download or copy is complete."
        )
    in_order = sorted(files, key=lambda file: _natural(file.name))
    return OpenedInput(path, tuple(in_order), tuple(sorted(unopened, key=_natural)))


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """A sort key in which 2 comes before 10: more digits, larger number."""
    parts = [part.lstrip("0") for part in re.split(r"(\d+)", name.casefold())]
    return tuple((len(part), part) if part.isdecimal() else (-1, part) for part in parts)
