"""The colours and sizes of everything that is drawn: pictures, pages, covers; told once.

The series are those of Okabe and Ito (2008), “Color universal design”, which people with any
kind of colour vision tell apart, in the order in which they are used here. Amounts go from paper
to ink in one hue, so they read in grey as well. Texts keep a contrast of at least 4.5 to 1.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ACCENT",
    "AMOUNTS",
    "FAINT",
    "FALL",
    "FONT",
    "INK",
    "LINE",
    "MUTED",
    "PAPER",
    "QUIET",
    "RISE",
    "SCALE",
    "SERIES",
    "SIZES",
    "SURFACE",
    "WIDTH",
]

PAPER: Final = "#fffdf8"
"""Behind everything."""
SURFACE: Final = "#f4f0e6"
"""Behind a part that stands out: a card, an empty cell."""
LINE: Final = "#e3dccb"
"""Grid and rules."""
INK: Final = "#1d2733"
"""Titles and numbers."""
MUTED: Final = "#5a6472"
"""Labels and remarks; 5.9 to 1 on paper."""
FAINT: Final = "#8b93a0"
"""What may be overlooked: never a text that matters."""

ACCENT: Final = "#0072b2"
"""The one colour of a picture that has one series."""
QUIET: Final = "#b9c7d3"
"""The same series, where it steps back: what was known already, the window before."""
RISE: Final = "#007a5e"
"""What became more."""
FALL: Final = "#b4450c"
"""What became less."""

SERIES: Final = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#f0e442",
    "#7d8793",
    "#cfd4da",
)
"""For series side by side, in this order; the last is for “other”."""

AMOUNTS: Final = ("#eef0ee", "#cfe0ea", "#8fbcd6", "#4a94c1", "#0072b2", "#00456e")
"""From nothing to the most."""

FONT: Final = "DejaVu Sans, Helvetica, Arial, sans-serif"

WIDTH: Final = 400
"""Of a picture, in points: a phone's width, so that nothing is made smaller there."""

SCALE: Final = 2.7
"""Pixels of a PNG for each point: 1,080 across."""

SIZES: Final = {"title": 22, "number": 19, "heading": 15, "text": 13, "label": 12, "small": 11}
"""Of texts, in points."""
