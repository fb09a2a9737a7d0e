"""Files that arrive over the page, until they are imported."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from segue.errors import ConfigError, SourceError, StorageError
from segue.own_folder import own_folder

__all__ = ["Uploads", "inputs_in"]

_TOKEN: Final = re.compile(r"[0-9a-f]{24}")
_PARTS: Final = 12
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\\]")
_LONGEST: Final = 200
_FILES: Final = 5_000
_SPARE: Final = 256 * 1024**2
_OLD_S: Final = 86_400
_ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b")
_TOGETHER: Final = "files"


@dataclass(frozen=True, slots=True)
class Uploads:
    """Uploads of a data home, each a folder for its owner only.

    Args:
        folder: Where they are; made with the first.
        most_bytes: Of one upload, all of its files together.
    """

    folder: Path
    most_bytes: int

    def new(self) -> str:
        """Begin one; what was left behind a day ago goes.

        Raises:
            StorageError: The folder cannot be written.
        """
        token = secrets.token_hex(12)
        try:
            own_folder(self.folder)
            for old in self.folder.iterdir():
                if old.stat().st_mtime < time.time() - _OLD_S:
                    shutil.rmtree(old, ignore_errors=True)
            (self.folder / token).mkdir(mode=0o700)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        return token

    def of(self, token: str) -> Path:
        """The folder of an upload.

        Raises:
            ConfigError: There is none.
        """
        path = self.folder / token
        if not _TOKEN.fullmatch(token) or not path.is_dir():
            raise ConfigError(
                "there is no such upload any more",
                field="upload",
                cure="Choose the files once more.",
            )
        return path

    def place(self, token: str, name: str) -> Path:
        """Where a file of an upload goes, its folders made.

        Args:
            name: As the browser tells it, with folders where a folder was chosen.

        Raises:
            ConfigError: There is no such upload, or the name cannot be used.
            StorageError: The folder cannot be written.
        """
        parts = [part for part in PurePosixPath(name).parts if part not in ("/", ".")]
        wrong = not parts or len(parts) > _PARTS or ".." in parts
        if wrong or any(_FORBIDDEN.search(part) or len(part) > _LONGEST for part in parts):
            raise ConfigError(
                "a file has a name that cannot be used", field="name", cure="Rename it."
            )
        path = self.of(token).joinpath(*parts)
        try:
            own_folder(path.parent)
        except OSError as error:
            raise _unwritable(path.parent, error) from error
        return path

    def room(self, token: str, size: int) -> int:
        """How many bytes a next file of this size may have.

        Args:
            size: As the browser says; -1: it does not.

        Raises:
            ConfigError: It, or the number of files, is too much.
            StorageError: The disk is too full for it.
        """
        files = [path for path in self.of(token).rglob("*") if path.is_file()]
        left = self.most_bytes - sum(path.stat().st_size for path in files)
        if size > left or left <= 0 or len(files) >= _FILES:
            raise ConfigError(
                f"an upload has at most {_gigabytes(self.most_bytes)} and {_FILES:,} files",
                field="web.upload_bytes",
                cure="Import it on the machine itself: segue import, with the path of the file.",
            )
        free = shutil.disk_usage(self.folder).free - _SPARE
        if max(size, 0) > free:
            raise StorageError("the disk is too full for the upload", cure="Make room on it.")
        return min(left, free)

    def drop(self, token: str) -> None:
        """Remove an upload, if it is there."""
        if _TOKEN.fullmatch(token):
            shutil.rmtree(self.folder / token, ignore_errors=True)


def inputs_in(folder: Path) -> tuple[Path, ...]:
    """What an upload holds, as inputs of an import: archives one by one, all else together.

    Raises:
        SourceError: It is empty.
    """
    entries = sorted(folder.iterdir())
    archives = [path for path in entries if path.is_file() and _is_archive(path)]
    others = [path for path in entries if path not in archives]
    if len(others) > 1:
        together = folder / _TOGETHER
        together.mkdir(mode=0o700, exist_ok=True)
        for path in others:
            if path != together:
                path.rename(together / path.name)
        others = [together]
    if not archives and not others:
        raise SourceError("holds no file", path=folder.name, cure="Choose the files once more.")
    return (*archives, *others)


def _is_archive(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(_ARCHIVES)


def _gigabytes(size: int) -> str:
    return f"{size / 1024**3:.1f} GB" if size >= 1024**3 else f"{size / 1024**2:.1f} MB"


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path} cannot be written: {error.strerror or error}",
        cure="Make room on the disk, or mend the permissions of the data home.",
    )
