"""Whether a file of the lake is still what the import wrote."""

from __future__ import annotations

from typing import Final

from segue.errors import WarehouseError
from segue.warehouse.base import RawFile
from segue.warehouse.storage import checksum

__all__ = ["RESTORE", "require_intact"]

RESTORE: Final = "Put it back from a backup, or import its source again."


def require_intact(file: RawFile) -> None:
    """Nothing, if the file is there and every bit is as it was written.

    Raises:
        WarehouseError: It is gone, cannot be read, or has changed.
    """
    try:
        changed = file.crc32 is not None and checksum(file.path) != file.crc32
    except FileNotFoundError as error:
        raise WarehouseError(
            f"the lake says it holds {file.place}, but the file is gone", cure=RESTORE
        ) from error
    except OSError as error:
        raise WarehouseError(
            f"the lake's file {file.place} cannot be read: {error.strerror}", cure=RESTORE
        ) from error
    if changed:
        raise WarehouseError(
            f"the lake's file {file.place} has changed since it was written", cure=RESTORE
        )
