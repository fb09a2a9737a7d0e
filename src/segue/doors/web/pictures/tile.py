"""A track's cover tile: its landscape as a small SVG, readable from 40 to 160 pixels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from segue.music.scenery import SIDE, Disc, Ridge, scene_of

__all__ = ["tile"]

_REMEMBERED: Final = 2_048  # the same tracks come again with the next filter
_VIEW: Final = 100  # so fine that whole numbers do


def tile(features: Mapping[str, float | None] | None, *, key: str) -> str:
    """The tile of a track: an `<svg>` without a size of its own, hidden from screen readers.

    It holds less than 1,000 characters, no ids and no styles, so any number fit into one page; it
    brings its own ground, so it looks the same in light and dark.

    Args:
        features: Audio features by the names of their columns; None or empty if unknown.
        key: The track's id; for a track of unknown sound better its genre or artist.
    """
    return _tile(None if features is None else tuple(features.items()), key)


@lru_cache(_REMEMBERED)
def _tile(features: tuple[tuple[str, float | None], ...] | None, key: str) -> str:
    scene = scene_of(None if features is None else dict(features), key=key)
    drawn = "".join(
        _disc(shape) if isinstance(shape, Disc) else _ridge(shape) for shape in scene.shapes
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tile" viewBox="0 0 {_VIEW} {_VIEW}"'
        f' aria-hidden="true"><path fill="{scene.sky}" d="M0 0h{_VIEW}v{_VIEW}H0z"/>{drawn}</svg>'
    )


def _disc(disc: Disc) -> str:
    x, y, radius = _numbers(disc.x, disc.y, disc.radius)
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{disc.colour}"/>'


def _ridge(ridge: Ridge) -> str:
    first, last = ridge.corners[0], ridge.corners[-1]
    steps = [f"M{' '.join(_numbers(*first))}"]
    for start, corner, end in ridge.bends():
        if ridge.roundness > 0.15:
            steps.append(f"L{' '.join(_numbers(*start))}Q{' '.join(_numbers(*corner, *end))}")
        else:
            steps.append(f"L{' '.join(_numbers(*corner))}")
    steps.append(f"L{' '.join(_numbers(*last))}V{_VIEW}H{_numbers(first[0])[0]}z")
    return f'<path fill="{ridge.colour}" d="{"".join(steps)}"/>'


def _numbers(*values: float) -> list[str]:
    return [str(round(value * _VIEW / SIDE)) for value in values]
