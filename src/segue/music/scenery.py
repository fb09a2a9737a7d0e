"""A track as a small landscape: what it sounds like, in a form that is seen at a glance.

The sky's colour is the mood (energy and valence). The sun stands the higher the happier the track
is, and is a crescent where it is sad. The hills are the higher the more energy there is, the more
the faster it is, round where it is acoustic and jagged where it is not, and as even as it is good
to dance to. A track whose sound nobody knows is a record, coloured by what it is called after.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from segue.music import columns as c
from segue.music.mood_colours import Lab, hex_of, lab_of, mixed, mood_colour, shaded

__all__ = ["SIDE", "Disc", "Point", "Ridge", "Scene", "scene_of"]

SIDE: Final = 40
"""Width and height of a scene, in its own units."""

Point = tuple[float, float]
_LIGHT: Final = "#fff4dc"
_SHADOW: Final = "#2b1440"
_CURVE_STEPS: Final = 6
_BELOW: Final = SIDE + 2
_RECORD_AT: Final = ((20.0, 20.0), (30.0, 30.0), (10.0, 30.0), (20.0, 34.0), (34.0, 18.0))


@dataclass(frozen=True, slots=True)
class Disc:
    """A sun, a moon, a ring of a record."""

    x: float
    y: float
    radius: float
    colour: str


@dataclass(frozen=True, slots=True)
class Ridge:
    """A line of hills, filled to the lower edge.

    Args:
        corners: From left to right, the first and last beyond the edges; the y axis goes down.
        roundness: 0 (jagged) … 1 (as round as the corners allow).
        colour: Of the ground below it.
    """

    corners: tuple[Point, ...]
    roundness: float
    colour: str

    def bends(self) -> Iterator[tuple[Point, Point, Point]]:
        """Where the line leaves towards each corner, the corner, and where it is straight again."""
        for (before, corner), (_, after) in pairwise(pairwise(self.corners)):
            yield self._towards(corner, before), corner, self._towards(corner, after)

    def _towards(self, corner: Point, other: Point) -> Point:
        part = self.roundness / 2
        return (
            corner[0] + (other[0] - corner[0]) * part,
            corner[1] + (other[1] - corner[1]) * part,
        )

    def outline(self) -> tuple[Point, ...]:
        """The ground as a polygon, its bends in small straight steps."""
        line = [self.corners[0]]
        for start, corner, end in self.bends():
            for step in range(_CURVE_STEPS + 1):
                t = step / _CURVE_STEPS
                x, y = (
                    (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t * t * d
                    for a, b, d in zip(start, corner, end, strict=True)
                )
                line.append((x, y))
        last = self.corners[-1]
        return (*line, last, (last[0], _BELOW), (self.corners[0][0], _BELOW))


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture of SIDE by SIDE units: a ground, and what stands before it, the farthest first."""

    sky: str
    shapes: tuple[Disc | Ridge, ...]


def scene_of(features: Mapping[str, float | None] | None, *, key: str) -> Scene:
    """The picture of a track.

    Args:
        features: Audio features by the names of their columns; what is missing is taken for
            middling. Without energy and valence the sound counts as unknown.
        key: What small chances hang on, such as the track's id; for a track of unknown sound its
            genre or artist, so that their tracks look alike.
    """
    chance = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=16).digest()
    known = {name: value for name, value in (features or {}).items() if _is_number(value)}
    if c.ENERGY not in known and c.VALENCE not in known:
        return _record(chance)
    energy, valence, acoustic, dance = (
        _between(known.get(name, 0.5))
        for name in (c.ENERGY, c.VALENCE, c.ACOUSTICNESS, c.DANCEABILITY)
    )
    sky = mood_colour(energy, valence)
    peaks = 2 + round(4 * _between(((known.get(c.TEMPO) or 120.0) - 70) / 110))
    form = {"energy": energy, "peaks": peaks, "round": 0.08 + 0.92 * acoustic**0.6, "even": dance}
    near = mixed(shaded(sky, 0.12 + 0.22 * sky[0]), lab_of(_SHADOW), 0.5)
    far = mixed(sky, near, 0.5)
    return Scene(
        hex_of(sky),
        (
            *_light(sky, valence, chance),
            _ridge(chance[:8], far, base=30.0, back=True, **form),
            _ridge(chance[8:], near, base=34.0, back=False, **form),
        ),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _between(value: float | None) -> float:
    return min(1.0, max(0.0, 0.5 if value is None else float(value)))


def _light(sky: Lab, valence: float, chance: bytes) -> Iterator[Disc]:
    """A sun, which becomes a crescent as the valence falls."""
    x = 11 + 18 * chance[0] / 255
    y = 23 - 13 * valence if valence >= 0.3 else 11 + 4 * chance[1] / 255
    radius = 5.0 + 3.0 * valence
    light = mixed(sky, lab_of(_LIGHT), 0.62 + 0.25 * valence)
    yield Disc(x, y, radius, hex_of(light))
    if valence < 0.3:
        yield Disc(x + radius * (0.45 + valence), y - radius * 0.25, radius * 0.92, hex_of(sky))


def _ridge(
    chance: bytes, colour: Lab, *, base: float, back: bool, energy: float, **form: float
) -> Ridge:
    peaks, even = int(form["peaks"]), form["even"]
    height = (3.0 + 19.0 * energy) * (1.0 if back else 0.55)
    width = SIDE / peaks
    shift = (0.0 if back else 0.5) * width + (chance[7] / 255 - 0.5) * width * 0.6
    corners: list[Point] = []
    for n in range(2 * peaks + 6):
        wild = (chance[n % 7] / 255 - 0.5) * (1.0 - even)
        x = (n - 3) * width / 2 + shift + wild * width * 0.5
        is_peak = n % 2 == 1
        y = base - (height * (0.82 + 0.7 * wild) if is_peak else -1.0 - 2.0 * wild)
        corners.append((x, y))
    return Ridge(tuple(_seen(corners)), form["round"], hex_of(colour))


def _seen(corners: list[Point]) -> list[Point]:
    """Those that shape what is within the edges: a bend needs its neighbours."""
    first = max(n for n, (x, _) in enumerate(corners) if x <= 0)
    last = min(n for n, (x, _) in enumerate(corners) if x >= SIDE)
    return corners[max(0, first - 1) : last + 2]


def _record(chance: bytes) -> Scene:
    angle = math.tau * chance[0] / 256
    hue = (0.0, 0.075 * math.cos(angle), 0.075 * math.sin(angle))
    ground = (0.72, hue[1] * 0.75, hue[2] * 0.75)
    x, y = _RECORD_AT[chance[1] % len(_RECORD_AT)]
    wax, groove = (0.3, hue[1] * 0.35, hue[2] * 0.35), (0.37, hue[1] * 0.4, hue[2] * 0.4)
    label = (0.8 if chance[2] % 2 else 0.62, hue[1] * 1.5, hue[2] * 1.5)
    rings = ((17.0, wax), (14.4, groove), (13.6, wax), (11.0, groove), (10.2, wax), (6.6, label))
    discs = [Disc(x, y, radius, hex_of(colour)) for radius, colour in rings]
    return Scene(hex_of(ground), (*discs, Disc(x, y, 1.4, hex_of(ground))))
