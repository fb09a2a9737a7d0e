"""A whole new home in the place of the old one: from one moment to the next, even when killed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from segue.errors import StorageError
from segue.warehouse.home_journal import JOURNAL, STAGED, begin, end
from segue.warehouse.home_lock import LOCK
from segue.warehouse.storage import make_folder, storing, sync_folder

__all__ = ["ASIDE", "VERB", "StagedFiles", "occupied", "staging", "swap", "swap_in"]

VERB: Final = "restore"
ASIDE: Final = "before-"
"""What the names of folders begin with that hold an old home."""

# API keys stay: no backup holds them, and whoever has one must not be locked out, nor let in again.
_NOT_OURS: Final = {"access", LOCK, JOURNAL, STAGED, "cache", "demo", "demo.lock", "lost+found"}


def occupied(home: Path) -> tuple[str, ...]:
    """Names in a home that hold anything; none of a home that is empty or missing."""
    return tuple(path.name for path in _entries(home) if _holds_anything(path))


class StagedFiles:
    """Takes the files of a backup into the staging folder, each on the disk when it ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: IO[bytes] | None = None

    def begin(self, path: str, size: int) -> None:
        """A new file; its path is known to stay below the folder."""
        del size
        with storing(self.folder):
            target = self.folder / path
            make_folder(target.parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.fdopen(os.open(target, flags, 0o600), "wb")

    def take(self, piece: bytes) -> None:
        """More of it."""
        assert self._file is not None
        with storing(self.folder):
            self._file.write(piece)

    def end(self) -> None:
        """All of it is there."""
        assert self._file is not None
        with storing(self.folder), self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file = None

    def close(self) -> None:
        """Let go of a file that was not ended."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()


@contextmanager
def staging(home: Path) -> Iterator[StagedFiles]:
    """An empty folder in the home, gone when the context ends, unless `swap` has used it.

    Raises:
        StorageError: The disk is full or the home cannot be written; it is as it was.
    """
    folder = home / STAGED
    with storing(home):
        shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder)
    files = StagedFiles(folder)
    try:
        yield files
    finally:
        files.close()
        if not (home / JOURNAL).exists():
            shutil.rmtree(folder, ignore_errors=True)


def swap(
    home: Path, *, aside: str, keep: bool, on_step: Callable[[str], None] = lambda step: None
) -> None:
    """Put what is staged in the place of what is there, and that into the folder `aside`.

    Called by whoever has the home alone. From the moment that it is noted, it will happen.

    Args:
        aside: Name of a new folder in the home.
        keep: Whether what is put aside stays.
        on_step: Told the name of each step as it is done.
    """
    on_step("staged")
    with storing(home):
        for folder, _, _ in os.walk(home / STAGED):
            sync_folder(Path(folder))
        names = sorted(path.name for path in _entries(home))
        begin(home, VERB, {"aside": aside, "keep": keep, "old": names})
    on_step("noted")
    swap_in(home, {"aside": aside, "keep": keep, "old": names}, on_step)


def swap_in(
    home: Path, facts: dict[str, Any], on_step: Callable[[str], None] = lambda step: None
) -> None:
    """Do, or go on with, what `swap` has noted; every step is done once, however often it is tried.

    Raises:
        StorageError: The home cannot be written; try again.
    """
    aside, staged = home / str(facts["aside"]), home / STAGED
    try:
        make_folder(aside)
        for name in facts["old"]:
            # what is put aside already has made room for the new one of the same name
            if not os.path.lexists(aside / name) and os.path.lexists(home / name):
                (home / name).rename(aside / name)
                on_step("put aside")
        sync_folder(aside)
        sync_folder(home)
        if staged.exists():
            for path in sorted(staged.iterdir()):
                path.rename(home / path.name)
                on_step("put in place")
            sync_folder(home)
            staged.rmdir()
        if not facts["keep"]:
            shutil.rmtree(aside)
        on_step("before the end")
        end(home)
    except OSError as error:
        raise StorageError(
            f"{home} could not be put into its place: {error.strerror or error}",
            cure="Mend the folder's permissions or the disk; the next command goes on with it.",
        ) from error


def _entries(home: Path) -> Iterator[Path]:
    """What belongs to the home as it is now."""
    if home.is_dir():
        for path in sorted(home.iterdir()):
            if path.name not in _NOT_OURS and not path.name.startswith(ASIDE):
                yield path


def _holds_anything(path: Path) -> bool:
    if not path.is_dir() or path.is_symlink():
        return True
    return any(file.name != "lock" for file in path.rglob("*") if not file.is_dir())
