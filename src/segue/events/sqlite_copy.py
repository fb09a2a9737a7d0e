"""A copy of an event log as it is at one moment, while others go on writing to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from segue.errors import WarehouseError

__all__ = ["copied"]


@contextmanager
def copied(log: Path) -> Iterator[Path]:
    """A whole copy beside the log, in one file, gone when the context ends.

    Raises:
        WarehouseError: The log is damaged.
    """
    with TemporaryDirectory(dir=log.parent, prefix=".copy-") as folder:
        copy = Path(folder, log.name)
        try:
            with closing(sqlite3.connect(log)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
                target.execute("pragma journal_mode = delete")
        except sqlite3.Error as error:
            raise WarehouseError(
                f"the event log {log} cannot be copied: {error}",
                cure="Free some space beside it, or put it back from an older backup.",
            ) from error
        yield copy
