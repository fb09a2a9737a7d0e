"""Copies on this machine of lake files that are kept elsewhere."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from segue.errors import WarehouseError
from segue.warehouse.storage import checksum, make_folder, storing

__all__ = ["LakeCache"]

_log = logging.getLogger(__name__)
_MOST_BYTES = 1_000_000_000
_IN_USE_SECONDS = 3600


class LakeCache:
    """Fetches a file once and keeps it as long as there is room; lake files never change.

    Args:
        folder: Holds the copies under the names that they have in the lake.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def path(self, name: str, crc32: int | None, fetch: Callable[[Path], None]) -> Path:
        """A copy whose checksum is right.

        Args:
            fetch: Writes the file to where it is told; raises FileNotFoundError if there is none.

        Raises:
            StorageError: There is no room for it.
            WarehouseError: What was fetched, twice, is not what was written.
        """
        path = self.folder / name
        with storing(self.folder):
            if path.exists() and (crc32 is None or checksum(path) == crc32):
                with suppress(OSError):
                    os.utime(path)  # it is in use
                return path
            make_folder(path.parent)
            for _ in range(2):
                if self._fetch(path, crc32, fetch):
                    return path
        raise WarehouseError(
            f"the lake's file {name} has changed since it was written",
            cure="Put it back from a backup, or import its source again.",
        )

    def _fetch(self, path: Path, crc32: int | None, fetch: Callable[[Path], None]) -> bool:
        with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as part:
            draft = Path(part.name)
        try:
            try:
                fetch(draft)
            except FileNotFoundError:
                path.unlink(missing_ok=True)
                return True  # whoever opens it learns that it is gone
            if crc32 is not None and checksum(draft) != crc32:
                _log.info("%s did not arrive as it was written", path.name)
                return False
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return True

    def trim(self) -> None:
        """Make room: the copies that were used longest ago go, but none of the last hour."""
        copies = []
        for path in self.folder.rglob("*"):
            with suppress(OSError):
                if path.is_file():
                    facts = path.stat()
                    copies.append((facts.st_mtime, facts.st_size, path))
        copies.sort(reverse=True)
        room = _MOST_BYTES
        for used_at, size, path in copies:
            room -= size
            unused = copies[0][0] - used_at > _IN_USE_SECONDS
            if unused and (room < 0 or path.name.endswith(".part")):
                with suppress(OSError):
                    path.unlink()
