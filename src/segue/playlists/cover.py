"""A playlist's cover: its tracks as one wide landscape, in the family of the tracks' own tiles.

Every track is a hill: as high as it has energy, round where it is acoustic and jagged where it is
not, in the colour of its mood. The first tracks are the farthest hills, the last the nearest. The
sky goes from the mood of the darker half of the tracks to that of the brighter half, and the sun
stands the higher the happier they are; quiet and sad playlists have stars. The same tracks, title
and seed make the same cover.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

from segue.music import columns as c
from segue.music.mood_colours import Lab, hex_of, lab_of, mixed, mood_colour, shaded
from segue.music.scenery import SIDE, Disc, scene_of

__all__ = ["LARGEST_BYTES", "PIXELS", "Features", "cover_drawing", "cover_image"]

Features = Mapping[str, float | None]
"""Audio features of a track by the names of their columns; what is not known is None or missing."""

PIXELS: Final = 640
"""Width and height of a cover."""
LARGEST_BYTES: Final = 190_000
"""Of a JPEG: Spotify takes 256 KB once it is written as base64, which is a third longer."""

_Point = tuple[float, float]
_LAYERS: Final = 4
_MOST_HILLS: Final = 8
_FEWEST_HILLS: Final = 3
_LIGHT: Final = "#fff4dc"
_NIGHT: Final = "#171030"
_QUALITIES: Final = (92, 85, 75, 60, 40)
_FONT: Final = "DejaVu Sans, Liberation Sans, Arial, sans-serif"
_ROOM: Final = 560
_SIZES: Final = (76, 64, 54, 46, 40)


@dataclass(frozen=True, slots=True)
class _Hill:
    energy: float
    valence: float
    acoustic: float
    dance: float

    @property
    def colour(self) -> Lab:
        return mood_colour(self.energy, self.valence)


def cover_image(features: Sequence[Features], title: str = "", *, seed: str = "") -> bytes:
    """A cover as a JPEG of 640 by 640 pixels that Spotify takes.

    Args:
        features: Of the tracks, in the playlist's order.
        title: Written on it; empty: no letters. What follows “ · ” is written smaller.
        seed: What small chances hang on, such as the playlist's id.
    """
    import vl_convert

    drawn = cover_drawing(features, title, seed=seed)
    for quality in _QUALITIES:
        made: bytes = vl_convert.svg_to_jpeg(drawn, scale=1, quality=quality)
        if len(made) <= LARGEST_BYTES:
            break
    return made


def cover_drawing(features: Sequence[Features], title: str = "", *, seed: str = "") -> str:
    """The same as SVG. See `cover_image`."""
    hills = [hill for one in features if (hill := _hill(one)) is not None]
    chance = _Chance(seed)
    body = "".join(_landscape(hills, chance)) if hills else "".join(_record(title or seed))
    shown = " ".join("".join(one if one.isprintable() else " " for one in title).split())
    letters = "".join(_lettering(shown)) if shown else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{PIXELS}" height="{PIXELS}"'
        f' viewBox="0 0 {PIXELS} {PIXELS}">{body}{letters}</svg>'
    )


class _Chance:
    """Numbers from 0 to 1 that are the same for the same seed and name."""

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def __call__(self, name: str) -> float:
        said = f"{self._seed}/{name}".encode("utf-8", "replace")
        return int.from_bytes(hashlib.blake2b(said, digest_size=4).digest()) / 2**32


def _hill(features: Features) -> _Hill | None:
    """A track as a hill; None where nobody knows how it sounds."""
    known = {
        name: min(1.0, max(0.0, float(value)))
        for name, value in features.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
    if c.ENERGY not in known and c.VALENCE not in known:
        return None
    names = (c.ENERGY, c.VALENCE, c.ACOUSTICNESS, c.DANCEABILITY)
    return _Hill(*(known.get(name, 0.5) for name in names))


# --- the landscape ------------------------------------------------------------------------------


def _landscape(hills: Sequence[_Hill], chance: _Chance) -> Iterator[str]:
    by_light = sorted(hills, key=lambda hill: (hill.valence, hill.energy))
    half = max(1, len(hills) // 2)
    dark, bright = _mean_colour(by_light[:half]), _mean_colour(by_light[-half:])
    energy = sum(hill.energy for hill in hills) / len(hills)
    valence = sum(hill.valence for hill in hills) / len(hills)
    dark, bright = _vivid(dark), _vivid(bright)
    top = shaded(dark, max(0.2, dark[0] * (0.76 + 0.14 * valence)))
    horizon = mixed(bright, lab_of(_LIGHT), 0.22 + 0.4 * valence)
    yield (
        '<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">'
        f'<stop offset="0" stop-color="{hex_of(top)}"/>'
        f'<stop offset="0.42" stop-color="{hex_of(mixed(dark, bright, 0.5))}"/>'
        f'<stop offset="0.78" stop-color="{hex_of(horizon)}"/></linearGradient></defs>'
        f'<rect width="{PIXELS}" height="{PIXELS}" fill="url(#sky)"/>'
    )
    yield from _stars(energy, valence, chance)
    yield from _sun(valence, mixed(dark, bright, 0.5), chance)
    for n, layer in enumerate(_layers(hills)):
        depth = n / (_LAYERS - 1)
        yield _ridge(layer, depth, horizon, chance)


def _layers(hills: Sequence[_Hill]) -> list[list[_Hill]]:
    """Tracks in four groups, in order; evenly chosen where there are many, again where few."""
    groups = []
    for n in range(_LAYERS):
        begin, end = n * len(hills) // _LAYERS, (n + 1) * len(hills) // _LAYERS
        group = list(hills[begin:end]) or [hills[min(begin, len(hills) - 1)]]
        if len(group) > _MOST_HILLS:
            step = len(group) / _MOST_HILLS
            group = [group[int(k * step)] for k in range(_MOST_HILLS)]
        groups.append([group[k % len(group)] for k in range(max(_FEWEST_HILLS, len(group)))])
    return groups


def _ridge(layer: Sequence[_Hill], depth: float, horizon: Lab, chance: _Chance) -> str:
    """One line of hills, filled to the lower edge; nearer ones are lower and darker."""
    own = _mean_colour(layer)
    hazy = mixed(own, horizon, 0.62 * (1 - depth))
    dim = shaded(_vivid(hazy), hazy[0] * (1 - 0.55 * depth))
    colour = mixed(dim, lab_of(_NIGHT), 0.06 + 0.36 * depth)
    base, reach = 420 + 170 * depth, 1.0 - 0.55 * depth
    width = PIXELS / len(layer)
    points = [(-width, base)]
    for k, hill in enumerate(layer):
        wild = 1.0 - hill.dance
        shift = (chance(f"{depth}/{k}/x") - 0.5) * 0.7 * wild
        x = (k + 0.5 + shift) * width
        swing = 0.85 + 0.3 * (chance(f"{depth}/{k}/y") - 0.5) * (0.4 + wild)
        peak = base - (26 + 250 * hill.energy**1.25) * reach * swing
        valley = base - (10 + 46 * chance(f"{depth}/{k}/v")) * reach
        points += [(x, peak), ((k + 1) * width, valley)]
    points.append((PIXELS + width, base))
    roundness = sum(hill.acoustic for hill in layer) / len(layer)
    return f'<path fill="{hex_of(colour)}" d="{_outline(points, 0.12 + 0.88 * roundness**0.7)}"/>'


def _outline(points: Sequence[_Point], roundness: float) -> str:
    """A line through hills, whose corners are rounded, closed below the picture."""
    steps = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for (before, corner), (_, after) in pairwise(pairwise(points)):
        part = roundness / 2
        enter, leave = _towards(corner, before, part), _towards(corner, after, part)
        steps.append(f"L{enter[0]:.1f} {enter[1]:.1f}")
        steps.append(f"Q{corner[0]:.1f} {corner[1]:.1f} {leave[0]:.1f} {leave[1]:.1f}")
    last = points[-1]
    steps.append(f"L{last[0]:.1f} {last[1]:.1f}V{PIXELS + 4}H{points[0][0]:.1f}Z")
    return "".join(steps)


def _towards(corner: _Point, other: _Point, part: float) -> _Point:
    return (
        corner[0] + (other[0] - corner[0]) * part,
        corner[1] + (other[1] - corner[1]) * part,
    )


def _sun(valence: float, sky: Lab, chance: _Chance) -> Iterator[str]:
    """A sun with its glow, or a crescent over sad music."""
    x = 150 + 340 * chance("sun")
    y = 300 - 190 * valence if valence >= 0.3 else 120 + 60 * chance("moon")
    radius = 46 + 40 * valence
    light = hex_of(mixed(sky, lab_of(_LIGHT), 0.7 + 0.25 * valence))
    yield (
        '<defs><radialGradient id="glow">'
        f'<stop offset="0" stop-color="{light}" stop-opacity="{0.35 + 0.3 * valence:.2f}"/>'
        f'<stop offset="1" stop-color="{light}" stop-opacity="0"/></radialGradient>'
        '<mask id="moon"><rect width="640" height="640" fill="#fff"/>'
        f'<circle cx="{x + radius * (0.42 + valence):.1f}" cy="{y - radius * 0.22:.1f}"'
        f' r="{radius * 0.9:.1f}" fill="#000"/></mask></defs>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius * 4:.1f}" fill="url(#glow)"/>'
    )
    masked = ' mask="url(#moon)"' if valence < 0.3 else ""
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{light}"{masked}/>'


def _stars(energy: float, valence: float, chance: _Chance) -> Iterator[str]:
    night = max(0.0, 0.42 - valence) / 0.42 * max(0.0, 0.75 - energy) / 0.75
    for n in range(round(90 * night)):
        x, y = PIXELS * chance(f"star/{n}/x"), 330 * chance(f"star/{n}/y") ** 1.3
        size = 0.8 + 1.6 * chance(f"star/{n}/r") ** 3
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" fill="{_LIGHT}"'
            f' opacity="{0.3 + 0.6 * chance(f"star/{n}/o"):.2f}"/>'
        )


def _vivid(colour: Lab) -> Lab:
    """With more colour: a mean of many moods is greyer than each of them."""
    return colour[0], 1.3 * colour[1], 1.3 * colour[2]


def _mean_colour(hills: Sequence[_Hill]) -> Lab:
    colours = [hill.colour for hill in hills]
    first, second, third = (sum(part) / len(colours) for part in zip(*colours, strict=True))
    return first, second, third


def _record(key: str) -> Iterator[str]:
    """A record, as the tiles of tracks of unknown sound are, coloured by what it is called."""
    scene, scale = scene_of(None, key=key), PIXELS / SIDE
    yield f'<rect width="{PIXELS}" height="{PIXELS}" fill="{scene.sky}"/>'
    for shape in scene.shapes:
        if isinstance(shape, Disc):
            yield (
                f'<circle cx="{shape.x * scale:.1f}" cy="{shape.y * scale:.1f}"'
                f' r="{shape.radius * scale:.1f}" fill="{shape.colour}"/>'
            )


# --- letters ------------------------------------------------------------------------------------


def _lettering(title: str) -> Iterator[str]:
    """The title at the lower left, on a shade that keeps it legible over any ground."""
    main, _, rest = title.partition(" · ")
    size, lines = _fitted(main)
    small = 26 if rest else 0
    height = len(lines) * size * 1.06 + small * 1.7
    yield (
        '<defs><linearGradient id="shade" x1="0" y1="0" x2="0" y2="1">'
        f'<stop offset="0" stop-color="{_NIGHT}" stop-opacity="0"/>'
        f'<stop offset="1" stop-color="{_NIGHT}" stop-opacity="0.82"/></linearGradient></defs>'
        f'<rect y="{PIXELS - height - 190:.0f}" width="{PIXELS}" height="{height + 190:.0f}"'
        ' fill="url(#shade)"/>'
    )
    y = PIXELS - 40 - (small * 1.7) - (len(lines) - 1) * size * 1.06
    for n, line in enumerate(lines):
        yield _words(line, y + n * size * 1.06, size, "bold")
    if rest:
        yield _words(_cut(rest, _ROOM / small), PIXELS - 40, small, "normal")


def _words(text: str, y: float, size: float, weight: str) -> str:
    return (
        f'<text x="40" y="{y:.0f}" font-family="{_FONT}" font-size="{size:.0f}"'
        f' font-weight="{weight}" fill="{_LIGHT}">{escape(text)}</text>'
    )


def _fitted(text: str) -> tuple[int, list[str]]:
    """The largest size in which the text has two lines at most; what is too long is cut."""
    for size in _SIZES:
        lines = _broken(text, _ROOM / size)
        if len(lines) <= (1 if size == _SIZES[0] else 2) and not any("…" in one for one in lines):
            return size, lines
    size = _SIZES[-1]
    first, *others = _broken(text, _ROOM / size)
    return size, [first, _cut(" ".join(others), _ROOM / size)] if others else [first]


def _broken(text: str, ems: float) -> list[str]:
    """The text in lines of so many times the height of its letters; longer words are cut."""
    lines: list[str] = []
    for word in text.split():
        if lines and _ems(f"{lines[-1]} {word}") <= ems:
            lines[-1] += f" {word}"
        else:
            lines.append(_cut(word, ems))
    return lines


def _cut(text: str, ems: float) -> str:
    if _ems(text) <= ems:
        return text
    while text and _ems(text) + 1.0 > ems:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _ems(text: str) -> float:
    """About how wide bold letters are, in their height."""
    return sum(_width(letter) for letter in text)


def _width(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF" or letter in "mwMW%@":
        return 1.05
    if letter in "iIjlftr.,:;'’!|()[]- ":
        return 0.45
    return 0.78 if letter.isupper() else 0.7
