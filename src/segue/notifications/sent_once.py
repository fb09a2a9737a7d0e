"""What was told already, and where: so that nobody is told the same twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from segue.services.state_file import StateFile

__all__ = ["SERVICE", "SentOnce", "Turn"]

Turn = Literal["due", "already", "waits"]
"""Send it now; it was sent; or somebody began to, and nobody knows yet whether they did."""

SERVICE: Final = "notifications"
"""The name under which the home's state file keeps it."""

_LEASE: Final = timedelta(minutes=10)
_KEPT: Final = timedelta(days=400)
_SENDING: Final = "sending "


@dataclass(frozen=True, slots=True)
class SentOnce:
    """Notes in the state file of a home, shared by its processes.

    Who is about to send notes that first, so that two processes never send the same. If it dies
    before it is done, somebody else may send after ten minutes.

    Args:
        state: The home's state file.
    """

    state: StateFile

    @contextmanager
    def once(self, user_id: str, name: str, now: datetime) -> Iterator[Turn]:
        """Whether to send it now; it counts as sent when that block ends without an error.

        Args:
            user_id: Whom the message concerns.
            name: The message and its destination.
            now: Aware UTC.

        Raises:
            BusyError: Others have been writing to the file for too long.
            StorageError: It cannot be written.
            WarehouseError: It is damaged.
        """
        turn = self._turn(user_id, name, now)
        if turn != "due":
            yield turn
            return
        try:
            yield turn
        except BaseException:
            with self.state.writing() as connection:
                connection.execute(f"delete from marks where {_ONE}", (SERVICE, user_id, name))
            raise
        with self.state.writing() as connection:
            connection.execute(
                "insert or replace into marks values (?, ?, ?, ?)",
                (SERVICE, user_id, name, now.isoformat()),
            )

    def _turn(self, user_id: str, name: str, now: datetime) -> Turn:
        """Claim it, if it is due."""
        with self.state.writing() as connection:
            row = connection.execute(
                f"select value from marks where {_ONE}", (SERVICE, user_id, name)
            ).fetchone()
            if row is not None and not _given_up(row[0], now):
                return "waits" if row[0].startswith(_SENDING) else "already"
            connection.execute(
                "delete from marks where service = ? and value < ? and value not like ?",
                (SERVICE, (now - _KEPT).isoformat(), f"{_SENDING}%"),
            )
            connection.execute(
                "insert or replace into marks values (?, ?, ?, ?)",
                (SERVICE, user_id, name, f"{_SENDING}{now.isoformat()}"),
            )
            return "due"


_ONE: Final = "service = ? and user_id = ? and name = ?"


def _given_up(value: str, now: datetime) -> bool:
    """Whether who wanted to send it has died."""
    if not value.startswith(_SENDING):
        return False
    return abs(now - datetime.fromisoformat(value.removeprefix(_SENDING))) > _LEASE
