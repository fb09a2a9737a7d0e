"""The colours and sizes of everything that is drawn: pictures, pages, covers; told once.

The series are those of Okabe and Ito (2008), “Color universal design”, which people with any
kind of colour vision tell apart, in the order in which they are used here. Amounts go from paper
to ink in one hue, so they read in grey as well. Texts keep a contrast of at least 4.5 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = [
    "ACCENT",
    "AMOUNTS",
    "CURVES",
    "DARK",
    "FAINT",
    "FALL",
    "FONT",
    "INK",
    "LIGHT",
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

CURVES: Final = ("#0083c4", "#b86a00", "#2b9a6c", "#7d2415", "#8a3f88")
"""For thin lines, which need more contrast than areas: 3 to 1 on paper and more, and as far apart
for eyes that lack red or green cones as five colours of these names can be."""

AMOUNTS: Final = ("#eef0ee", "#cfe0ea", "#8fbcd6", "#4a94c1", "#0072b2", "#00456e")
"""From nothing to the most."""

LIGHT: Final[Mapping[str, str]] = {
    "paper": PAPER,
    "surface": SURFACE,
    "line": LINE,
    "ink": INK,
    "muted": MUTED,
    "faint": FAINT,
    "accent": ACCENT,
    "quiet": QUIET,
    "rise": RISE,
    "fall": FALL,
    **{f"amount-{n}": colour for n, colour in enumerate(AMOUNTS)},
    **{f"series-{n}": colour for n, colour in enumerate(SERIES, 1)},
    **{f"curve-{n}": colour for n, colour in enumerate(CURVES, 1)},
}
"""Each colour by the name it has on the web page: the accent is `var(--accent)` there."""

DARK: Final[Mapping[str, str]] = {
    "paper": "#12161b",
    "surface": "#1b2027",
    "line": "#2e3640",
    "ink": "#f2eee4",
    "muted": "#a9b1bc",
    "faint": "#79838f",
    "accent": "#6cbdec",
    "quiet": "#3f4d5a",
    "rise": "#4cc9a4",
    "fall": "#f08b57",
    # amounts go from paper to light here
    "amount-0": "#1e242b",
    "amount-1": "#21394a",
    "amount-2": "#27597a",
    "amount-3": "#3483b3",
    "amount-4": "#56b4e9",
    "amount-5": "#c3e5f8",
    "series-1": "#56b4e9",
    "series-2": "#e69f00",
    "series-3": "#009e73",
    "series-4": "#cc79a7",
    "series-5": "#9fd3f2",
    "series-6": "#d55e00",
    "series-7": "#f0e442",
    "series-8": "#98a2ae",
    "series-9": "#4a525c",
    "curve-1": "#66b5ff",
    "curve-2": "#f3b500",
    "curve-3": "#8ff0dc",
    "curve-4": "#d0703a",
    "curve-5": "#b95cb2",
}
"""The same names where the page is dark."""

FONT: Final = "DejaVu Sans, Helvetica, Arial, sans-serif"

WIDTH: Final = 400
"""Of a picture, in points: a phone's width, so that nothing is made smaller there."""

SCALE: Final = 2.7
"""Pixels of a PNG for each point: 1,080 across."""

SIZES: Final = {"title": 22, "number": 19, "heading": 15, "text": 13, "label": 12, "small": 11}
"""Of texts, in points."""
