"""Who is whose friend among the listeners of a data set that tells."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from segue.errors import SourceError
from segue.sources.hetrec_friends import FriendRows

__all__ = ["friends_among"]

_log = logging.getLogger(__name__)


def friends_among(
    ids: Mapping[str | None, str], files: Sequence[FriendRows]
) -> tuple[dict[str, tuple[str, ...]], int]:
    """Friends by listener, in the order of the files, each once.

    A row that lacks an id, or names somebody of whom no play is known, cannot be used.

    Args:
        ids: The data set's own id of each listener -> the id that Segue gives them.

    Returns:
        Listener -> friends, and how many rows could not be used.

    Raises:
        SourceError: That is so of most rows of a file.
    """
    friends: dict[str, dict[str, None]] = {}
    unusable = 0
    for file in files:
        unusable += file.ragged + _add(ids, file, friends)
    if files:
        _log.info("%d listeners have friends; %d rows cannot be used", len(friends), unusable)
    return {listener: tuple(theirs) for listener, theirs in friends.items()}, unusable


def _add(
    ids: Mapping[str | None, str], file: FriendRows, friends: dict[str, dict[str, None]]
) -> int:
    """Count the rows of a file in; returns how many cannot be used."""
    faults: list[tuple[int, str]] = []
    for row, user, friend in zip(*(file.rows[n].to_pylist() for n in range(3)), strict=True):
        unknown = next((one for one in (user, friend) if one not in ids), user)
        if user is None or friend is None:
            faults.append((row, "lacks userID or friendID"))
        elif unknown not in ids:
            faults.append((row, f"names {unknown}, of whom user_artists.dat has no row"))
        elif user != friend:
            friends.setdefault(ids[user], {})[ids[friend]] = None
    if 2 * (len(faults) + file.ragged) > file.rows.num_rows + file.ragged:
        row, first = faults[0] if faults else (None, "has another number of fields than the header")
        raise SourceError(
            f"most rows ({len(faults) + file.ragged:,} of {file.rows.num_rows + file.ragged:,})"
            f" cannot be used; this one {first}",
            path=file.place.path,
            member=file.place.member,
            row=row,
            cure="Check that it belongs to the same data set, or take it away: the data set can"
            " do without it.",
        )
    return len(faults)
