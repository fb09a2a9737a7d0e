"""What a listener did with each track, as far as anybody asks."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from segue.playlists.listener import Heard

__all__ = ["HeardTracks"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class HeardTracks(Mapping[str, Heard]):
    """track_id -> what the listener did with it.

    Of some thousand tracks a playlist asks about a few: only of these are values made.

    Args:
        track_ids: None twice.
        plays: Counted plays of each.
        last_at: The latest play of each of any length, Unix microseconds.
    """

    def __init__(
        self, track_ids: Sequence[str], plays: Sequence[int], last_at: Sequence[int]
    ) -> None:
        self._places = dict(zip(track_ids, range(len(track_ids)), strict=True))
        self._plays, self._last_at = plays, last_at

    def get(self, track_id: str, default: Heard | None = None) -> Heard | None:  # type: ignore[override]  # only Heard is ever asked for
        """What was done with a track, `default` if it was never started."""
        place = self._places.get(track_id)
        return default if place is None else self._at(place)

    def keys(self) -> KeysView[str]:
        """The tracks."""
        return self._places.keys()

    def __getitem__(self, track_id: str) -> Heard:
        return self._at(self._places[track_id])

    def __contains__(self, track_id: object) -> bool:
        return track_id in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def _at(self, place: int) -> Heard:
        return Heard(self._plays[place], _EPOCH + timedelta(microseconds=int(self._last_at[place])))
