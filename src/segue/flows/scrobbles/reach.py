"""How far a person's plays at a service have been read, and what is still to be read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, Self

__all__ = ["Reach"]

_REMEMBERED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Reach:
    """What of a history was read; times are seconds since 1970.

    Args:
        newest: Everything up to this moment was read, but for what is open; None: nothing was.
        open: Spans of time, both ends included, of which plays may still be unread, newest first.
        total: How many plays the service had when all was read; None: it never was, or is not told.
        looked_back_at: When plays that came in late were last looked for.
        told: Keys of the newest plays that were read, and of those that were refused.
    """

    newest: int | None = None
    open: tuple[tuple[int, int], ...] = ()
    total: int | None = None
    looked_back_at: int = 0
    told: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """What `as_json` wrote; from anything else: nothing was read yet."""
        try:
            found = json.loads(text or "")
            spans = tuple((int(first), int(last)) for first, last in found["open"])
            told = tuple(str(key) for key in found["told"])
            return cls(found["newest"], spans, found["total"], int(found["looked_back_at"]), told)
        except (ValueError, KeyError, TypeError):
            return cls()

    def as_json(self) -> str:
        """Text for the state file."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @property
    def begun(self) -> bool:
        """Whether anything was ever read."""
        return self.newest is not None

    def reaching(self, newest: int, since: int) -> Self:
        """With plays up to a moment known to be there, all of them since another to be read."""
        last = newest if self.newest is None else max(newest, self.newest)
        return replace(self, newest=last, open=_joined([(since, last), *self.open]))

    def read_down_to(self, first: int | None) -> Self:
        """With the newest open span read down to a moment, or, without one, wholly."""
        (since, last), *rest = self.open
        if first is None or first < since:
            return replace(self, open=tuple(rest))
        return replace(self, open=((since, min(first, last)), *rest))

    def remembering(self, keys: Sequence[str]) -> Self:
        """With these as the keys that are known."""
        return replace(self, told=tuple(dict.fromkeys(keys))[:_REMEMBERED])


def _joined(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same moments in as few spans as possible, newest first."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans, key=lambda span: (-span[1], span[0])):
        if found and last >= found[-1][0] - 1:
            found[-1] = (min(first, found[-1][0]), found[-1][1])
        else:
            found.append((first, last))
    return tuple(found)
