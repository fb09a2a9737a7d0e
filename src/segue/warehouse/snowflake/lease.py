"""One build at a time, whichever machine it runs on: a lease, kept in the warehouse itself.

Snowflake has no locks that a session could hold while dbt works in sessions of its own: an idle
transaction that keeps others waiting is aborted after five minutes. So a row says who builds, and
until when. Statements that change a row of a table wait for each other, hence of two that want
the lease only one finds it free.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from segue.errors import BusyError, WarehouseError

__all__ = ["Lease"]

_MINUTES: Final = 120
"""As long as dbt may take; who holds the lease renews it with every transaction before."""

_Query = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


class Lease:
    """The right to build.

    Args:
        query: Runs a statement, with values for its question marks.
        holder: Who wants it: the same for all builds of one data home, which do not run at the
            same time anyhow. So a killed build never stands in the way of the next one.
        where: The warehouse in words.
    """

    def __init__(self, query: _Query, holder: str, where: str) -> None:
        self._query = query
        self._holder = holder
        self._where = where

    def take(self) -> None:
        """Become the only one who builds.

        Raises:
            BusyError: Somebody else holds the lease.
        """
        self._query(
            "update raw.building set holder = ?,"
            f" held_until = dateadd(minute, {_MINUTES}, sysdate())"
            " where holder = '' or holder = ? or held_until < sysdate()",
            [self._holder, self._holder],
        )
        [(holder, until)] = self._query("select holder, held_until::varchar from raw.building", ())
        if holder != self._holder:
            raise BusyError(
                f"another build is under way in {self._where}: by {holder}",
                cure=f"Wait for it to end. If it was killed, its claim ends at {until} UTC.",
            )

    def renew(self) -> None:
        """Still be the only one.

        Raises:
            WarehouseError: The lease has run out meanwhile, and somebody else has it.
        """
        changed = self._query(
            f"update raw.building set held_until = dateadd(minute, {_MINUTES}, sysdate())"
            " where holder = ?",
            [self._holder],
        )
        if not changed or not int(changed[0][0]):
            raise WarehouseError(
                f"another build has begun in {self._where}",
                cure="Wait for it to end, then run `segue build` again.",
            )

    def give_back(self) -> None:
        """Let others build."""
        self._query("update raw.building set holder = '' where holder = ?", [self._holder])
