"""Where the files of a lake are kept: what a folder and an S3 bucket can both do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

__all__ = ["Found", "LakeStore"]


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is there.

    Args:
        name: Its path within the lake, with slashes.
        size: Bytes.
        changed_at: When it was written last, aware UTC.
        tag: Another one when the content changes.
    """

    name: str
    size: int
    changed_at: datetime
    tag: str


class LakeStore(Protocol):
    """Files by name. Every method may raise StorageError; names are paths within the lake."""

    @property
    def where(self) -> str:
        """The lake's place in words, without any secret."""

    @property
    def shared(self) -> bool:
        """Whether others may write at the same time, here or on other machines."""

    @property
    def folder(self) -> Path:
        """A folder on this machine for what is under way: the lake itself, or its cache."""

    def writing(self) -> AbstractContextManager[Path]:
        """Be allowed to write; gives a folder for staged files, emptied afterwards.

        Raises:
            BusyError: Only one may write at a time, and another does.
        """

    def find(self, folder: str, *, after: str = "") -> Iterator[Found]:
        """The files below a folder, in the order of their names, those after a name only."""

    def read(self, name: str) -> bytes:
        """The content of a small file.

        Raises:
            FileNotFoundError: There is no such file.
        """

    def local(self, name: str, crc32: int | None) -> Path:
        """Where a file can be read on this machine, fetched if need be.

        A fetched copy is what was written, by its checksum. A file that is not there, here or
        elsewhere, gets a path at which nothing is.
        """

    def fresh(self, name: str) -> AbstractContextManager[Path]:
        """A file as it is in the lake now, whatever was fetched before; for checking it.

        Raises:
            FileNotFoundError: There is no such file.
        """

    def put(self, staged: Path, name: str, crc32: int) -> None:
        """Bring a staged file into the lake; it may be moved away from where it was."""

    def settle(self, names: Sequence[str]) -> None:
        """Make sure that what was put stays, whatever happens."""

    def create(self, name: str, content: bytes) -> bool:
        """Let a file appear with all of its content; False if something else has the name.

        Where this raises, the file may be there all the same, or still appear.
        """

    def surely_lacks(self, name: str) -> bool:
        """Whether a file that could not be created is not there and will not appear."""

    def replace(self, name: str, content: bytes) -> None:
        """Let a file appear or change, with all of its content."""

    def remove(self, names: Sequence[str]) -> None:
        """Remove files; those that are not there are no fault."""
