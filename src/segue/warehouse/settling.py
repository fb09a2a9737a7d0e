"""Puts what a build has committed in its place in the warehouse file, while marts are published."""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager
from typing import Protocol

from segue.errors import StorageError, WarehouseError

__all__ = ["Settling"]

_log = logging.getLogger(__name__)


class Settles(Protocol):
    """An open warehouse that keeps what is committed in a log beside its file."""

    def settle_file(self) -> None:
        """Put what was committed in its place in the file; others may read meanwhile."""

    def guarded(self, doing: str) -> AbstractContextManager[None]:
        """Turn the driver's errors into ours."""


class Settling:
    """Begins at once, in a thread; `wait` before the warehouse is closed.

    Where it fails nothing is lost: all is in the log, and closing the file, or the next build,
    tries again.

    Args:
        session: The warehouse.
    """

    def __init__(self, session: Settles) -> None:
        self._session = session
        self._error: WarehouseError | None = None
        self._thread = threading.Thread(target=self._settle, name="segue-settle")
        self._thread.start()

    def wait(self) -> None:
        """Until it is over, well or not."""
        self._thread.join()

    def raise_if_full(self) -> None:
        """Once it is over, raise what went wrong if the disk is to blame.

        Raises:
            StorageError: The disk is full or cannot be written.
        """
        self.wait()
        if isinstance(self._error, StorageError):
            raise self._error

    def _settle(self) -> None:
        try:
            with self._session.guarded("putting the warehouse file in order"):
                self._session.settle_file()
        except WarehouseError as error:
            _log.info("%s", error)
            self._error = error
