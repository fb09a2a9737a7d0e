"""Writing items at a service, and finding out which of them it refuses."""

from __future__ import annotations

from segue.errors import ServiceError
from segue.playlists.edits import Add, Put
from segue.playlists.service_base import PlaylistService

__all__ = ["write"]


def write(
    service: PlaylistService, remote_id: str, keys: tuple[str, ...], *, at: int | None
) -> list[str]:
    """Add items; where some are refused, by halves, until it is known which.

    Args:
        at: Before which item; None: instead of all that is there.

    Returns:
        Keys that the service does not have; all others are written.
    """
    try:
        service.edit(remote_id, Put(keys) if at is None else Add(keys, at))
    except ServiceError as error:
        if not service.is_unknown(error):
            raise
        if len(keys) <= 1:
            return list(keys)
        left, right = keys[: len(keys) // 2], keys[len(keys) // 2 :]
        refused = write(service, remote_id, left, at=at)
        written = len(left) - len(refused)
        start = None if at is None and not written else (at or 0) + written
        return refused + write(service, remote_id, right, at=start)
    return []
