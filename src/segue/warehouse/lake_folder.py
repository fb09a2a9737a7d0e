"""A lake in a folder: one writer at a time, files moved into place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from segue.warehouse.lake_lock import exclusive
from segue.warehouse.lake_store import Found
from segue.warehouse.storage import make_folder, storing, sync_folder, write_atomically

__all__ = ["LakeFolder"]


class LakeFolder:
    """Files of a lake below one folder; a `LakeStore`.

    Args:
        folder: Made by the first import.
    """

    shared = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @property
    def where(self) -> str:
        """The folder."""
        return str(self.folder)

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Hold the lake's lock.

        Raises:
            BusyError: Another import is under way.
            StorageError: The lake may not be written.
        """
        staging = self.folder / "staging"
        with exclusive(self.folder / "lock"):
            with storing(self.folder):
                shutil.rmtree(staging, ignore_errors=True)
                for draft in (self.folder / "commits").glob(".*.draft"):
                    draft.unlink(missing_ok=True)
            try:
                yield staging
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def find(self, folder: str, *, after: str = "") -> Iterator[Found]:
        """The files below a folder, hidden ones left out."""
        with storing(self.folder):
            names = sorted(
                path.relative_to(self.folder).as_posix()
                for path in (self.folder / folder).rglob("*")
                if path.is_file() and not path.name.startswith(".")
            )
        for name in names:
            if name > after:
                try:
                    facts = (self.folder / name).stat()
                except FileNotFoundError:  # removed in this very moment
                    continue
                changed_at = datetime.fromtimestamp(facts.st_mtime, tz=UTC)
                yield Found(name, facts.st_size, changed_at, f"{facts.st_mtime_ns}")

    def read(self, name: str) -> bytes:
        """The content of a small file."""
        return (self.folder / name).read_bytes()

    def local(self, name: str, crc32: int | None) -> Path:
        """Where it is."""
        del crc32  # whoever reads it checks it
        return self.folder / name

    @contextmanager
    def fresh(self, name: str) -> Iterator[Path]:
        """Where it is."""
        path = self.folder / name
        path.stat()
        yield path

    def put(self, staged: Path, name: str, crc32: int) -> None:
        """Move a staged file into place."""
        del crc32
        with storing(self.folder):
            target = self.folder / name
            make_folder(target.parent)
            staged.rename(target)

    def settle(self, names: Sequence[str]) -> None:
        """Bring the names of moved files to the disk."""
        with storing(self.folder):
            for folder in {(self.folder / name).parent for name in names}:
                sync_folder(folder)

    def create(self, name: str, content: bytes) -> bool:
        """Write a file that is not there yet; the lock keeps others from doing the same."""
        path = self.folder / name
        if path.exists():
            return path.read_bytes() == content
        self.replace(name, content)
        return True

    def surely_lacks(self, name: str) -> bool:
        """Whether it is not there."""
        return not (self.folder / name).exists()

    def replace(self, name: str, content: bytes) -> None:
        """Write a file in one moment."""
        with storing(self.folder):
            make_folder((self.folder / name).parent)
            write_atomically(self.folder / name, content)

    def remove(self, names: Sequence[str]) -> None:
        """Remove files."""
        with storing(self.folder):
            for name in names:
                (self.folder / name).unlink(missing_ok=True)
