"""The server's errors in plain words, each with its cure."""

from __future__ import annotations

from typing import Final

from segue.errors import StorageError, WarehouseError
from segue.postgresql.faults import first_line, lost

__all__ = ["fault"]

_ROLES: Final = "Grant it as docs/warehouse.md says under “PostgreSQL”, then build again."


def fault(error: Exception, doing: str, where: str) -> WarehouseError:
    """What to raise where a statement failed.

    Args:
        error: What the driver raised, with `sqlstate` where the server said one.
        doing: What failed, such as "loading plays".
        where: The address in words.
    """
    state = str(getattr(error, "sqlstate", None) or "")
    text = first_line(error)
    if (state[:2] in ("08", "57") and state != "57014") or (not state and lost(error)):
        return WarehouseError(
            f"{doing} failed: the connection to {where} was lost",
            cure="What was begun was undone. See that the server is up, and build again.",
        )
    if state in ("53100", "53200", "58030"):
        return StorageError(
            f"{doing} failed: the server has no room left ({text})",
            cure="Free space on the server (disk, or memory for 53200), and build again.",
        )
    if state == "42501":
        return WarehouseError(f"{doing} failed: {text}", cure=_ROLES)
    if state == "25006":
        return WarehouseError(
            f"{doing} failed: {where} may only be read",
            cure="Name the primary server in the settings, not its standby.",
        )
    return WarehouseError(f"{doing} failed: {text}", cure="See docs/warehouse.md, “PostgreSQL”.")
