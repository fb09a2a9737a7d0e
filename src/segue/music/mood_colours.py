"""The colour of a mood: energy and valence on a small map of skies, mixed as the eye mixes them."""

from __future__ import annotations

from typing import Final

__all__ = ["Lab", "hex_of", "lab_of", "mixed", "mood_colour", "shaded"]

Lab = tuple[float, float, float]
"""A colour in OKLab: lightness 0 … 1, green to red, blue to yellow (Björn Ottosson, 2020, “A
perceptual color space for image processing”): steps of equal size look equally large."""

_SKIES: Final = (
    # sad, neither, happy
    ("#24366b", "#44748f", "#8cc5a2"),  # quiet: night, rain, a meadow
    ("#4a3b82", "#a8719c", "#f0b26a"),  # between: dusk, heather, late sun
    ("#8e1c46", "#dc4f3c", "#ffc83a"),  # loud: embers, fire, noon
)
# Most music lies well inside 0 … 1: these bounds hold nine tracks in ten, and span the whole map.
_ENERGY: Final = (0.2, 0.88)
_VALENCE: Final = (0.1, 0.82)


def mood_colour(energy: float, valence: float) -> Lab:
    """The colour of a track that sounds like this.

    Args:
        energy: 0 (still) … 1 (loud and fast).
        valence: 0 (sad) … 1 (happy).
    """
    row, down = _step(energy, _ENERGY)
    column, along = _step(valence, _VALENCE)
    above = mixed(lab_of(_SKIES[row][column]), lab_of(_SKIES[row][column + 1]), along)
    below = mixed(lab_of(_SKIES[row + 1][column]), lab_of(_SKIES[row + 1][column + 1]), along)
    return mixed(above, below, down)


def _step(value: float, bounds: tuple[float, float]) -> tuple[int, float]:
    """Between which two of three marks a value lies, and how far from the first (0 … 1)."""
    low, high = bounds
    place = 2 * min(1.0, max(0.0, (value - low) / (high - low)))
    first = min(1, int(place))
    return first, place - first


def mixed(one: Lab, other: Lab, part: float) -> Lab:
    """One colour, with a part (0 … 1) of another in it."""
    first, second, third = (a + (b - a) * part for a, b in zip(one, other, strict=True))
    return first, second, third


def shaded(colour: Lab, lightness: float) -> Lab:
    """The same colour at another lightness (0 … 1); what is darker has less colour."""
    part = min(1.0, lightness / max(colour[0], 1e-6))
    return lightness, colour[1] * part, colour[2] * part


def lab_of(written: str) -> Lab:
    """The colour that is written #rrggbb."""
    red, green, blue = (_linear(int(written[n : n + 2], 16) / 255) for n in (1, 3, 5))
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def hex_of(colour: Lab) -> str:
    """How a colour is written, #rrggbb; what a screen cannot show is cut to what it can."""
    lightness, a, b = colour
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    parts = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _screen(part)):02x}" for part in parts)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _screen(part: float) -> float:
    part = min(1.0, max(0.0, part))
    return 12.92 * part if part <= 0.0031308 else float(1.055 * part ** (1 / 2.4) - 0.055)
