"""Bounds of how a track sounds, how long it is and whether it is explicit, as filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from segue.features.catalogue import Catalogue, Mask
from segue.music.query import Filters
from segue.playlists.filters import Filter

__all__ = ["Bounded", "bounds_of", "loosened"]


@dataclass(frozen=True)
class Bounded(Filter):
    """Keeps tracks inside bounds that only the catalogue knows of.

    Args:
        bounds: One sort of bounds.
    """

    catalogue: Catalogue = field(repr=False)
    bounds: Filters
    label: str = ""

    def keeps(self, track_id: str) -> bool:
        """Whether the catalogue says that it is inside."""
        return self.keeping([track_id])[0]

    def keeping(self, track_ids: Sequence[str]) -> Sequence[bool]:
        """Which of some tracks are; none that is not in the catalogue."""
        rows = self.catalogue.rows(list(track_ids))
        kept: list[bool] = ((rows >= 0) & self._inside[rows]).tolist()
        return kept

    @cached_property
    def _inside(self) -> Mask:
        return self.catalogue.allowed(self.bounds)


def bounds_of(asked: Filters, catalogue: Catalogue) -> list[Filter]:
    """A filter for each bound on sound, length and explicitness."""
    return [Bounded(catalogue, bounds, label) for label, (bounds, _) in _each(asked).items()]


def loosened(asked: Filters) -> dict[str, Filters]:
    """For each of these bounds what is asked without it."""
    return {label: others for label, (_, others) in _each(asked).items()}


def _each(asked: Filters) -> Mapping[str, tuple[Filters, Filters]]:
    """Label -> the bound alone, and all others."""
    found: dict[str, tuple[Filters, Filters]] = {}
    for bound in asked.sound:
        others = tuple(one for one in asked.sound if one != bound)
        feature, low, high = bound
        label = f"{feature} {_span(low, high)}"
        found[label] = Filters(sound=(bound,)), replace(asked, sound=others)
    if asked.explicit is not None:
        label = "being explicit" if not asked.explicit else "the wish for explicit tracks"
        found[label] = Filters(explicit=asked.explicit), replace(asked, explicit=None)
    if asked.duration_ms is not None:
        low, high = (None if ms is None else ms / 60_000 for ms in asked.duration_ms)
        alone = Filters(duration_ms=asked.duration_ms)
        found[f"minutes {_span(low, high)}"] = alone, replace(asked, duration_ms=None)
    return found


def _span(low: float | None, high: float | None) -> str:
    if low is None:
        return f"up to {high:g}" if high is not None else "that are known"
    return f"from {low:g}" if high is None else f"{low:g}–{high:g}"
