"""A drawn picture with its title, its words and its numbers: on the page, or as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from segue.analytics.pixels import png_of
from segue.analytics.sections import Section
from segue.doors.web.pictures.paints import Theme, paint, repainted
from segue.palette import FONT

__all__ = ["WIDTH", "Picture", "number", "rectangle", "text"]

WIDTH: Final = 360
"""Of a picture, in its own units: a phone's pixels, so that letters keep their size there."""

_MARGIN: Final = 16
_TITLE: Final = 40
_SCALE: Final = 3.0  # pixels of a PNG for each unit: 1,176 across


@dataclass(frozen=True, slots=True)
class Picture:
    """What a page shows and a reader may take away.

    Args:
        key: Names it in the page's markup, and its file: letters, digits and hyphens.
        title: What it is.
        words: What it shows, in a sentence or two, for those who cannot see it.
        height: In units, as `width` is.
        drawn: The inner SVG, with `paint`s as colours.
        table: Its numbers.
        width: In units; WIDTH unless it is made for a desk.
    """

    key: str
    title: str
    words: str
    height: float
    drawn: str
    table: Section
    width: float = WIDTH

    def svg(self) -> str:
        """For the page, whose style sheet gives it a size; text is the page's own."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" role="img"'
            f' aria-labelledby="{self.key}-title {self.key}-words"'
            f' viewBox="0 0 {number(self.width)} {number(self.height)}">'
            f'<title id="{self.key}-title">{escape(self.title)}</title>'
            f'<desc id="{self.key}-words">{escape(self.words)}</desc>{self.drawn}</svg>'
        )

    def file(self, theme: Theme = "light") -> str:
        """An SVG that stands alone: with a ground, a margin and its title."""
        width, height = self.width + 2 * _MARGIN, self.height + 2 * _MARGIN + _TITLE
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width)}"'
            f' height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
            f' font-family="{FONT}"><title>{escape(self.title)}</title>'
            f"<desc>{escape(self.words)}</desc>"
            + rectangle(0, 0, width, height, "paper")
            + text(_MARGIN, _MARGIN + 16, self.title, size=17, weight="bold")
            + f'<g transform="translate({_MARGIN} {_MARGIN + _TITLE})">{self.drawn}</g></svg>'
        )
        return repainted(svg, theme)

    def png(self, theme: Theme = "light") -> bytes:
        """The same as pixels, sharp enough for a telephone."""
        return png_of(self.file(theme), scale=_SCALE)


def number(value: float) -> str:
    """A number as short as a drawing needs it.

    >>> number(12.0), number(0.256)
    ('12', '0.3')
    """
    return f"{value:.1f}".removesuffix(".0")


def rectangle(
    x: float, y: float, width: float, height: float, fill: str, *, radius: float = 0, tip: str = ""
) -> str:
    """A filled rectangle; `tip` is what a pointer that rests on it is told."""
    round_ = f' rx="{number(radius)}"' if radius else ""
    shape = (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}"'
        f' height="{number(height)}"{round_} fill="{paint(fill)}"'
    )
    return f"{shape}><title>{escape(tip)}</title></rect>" if tip else f"{shape}/>"


def text(
    x: float,
    y: float,
    words: str,
    *,
    fill: str = "ink",
    size: float = 13,
    anchor: str = "start",
    weight: str = "",
    halo: bool = False,
    more: str = "",
) -> str:
    """A line of text, its foot at y.

    Args:
        x: Where it begins, or ends, or has its middle, as the anchor says.
        y: Its foot.
        words: What it says.
        fill: Name of its colour.
        size: Of its letters, in units.
        anchor: start, middle or end.
        weight: bold; empty: as all text.
        halo: Keep it clear of what it stands on.
        more: Behind it, in a quieter colour.
    """
    looks: Sequence[str] = (
        "" if anchor == "start" else f' text-anchor="{anchor}"',
        f' font-weight="{weight}"' if weight else "",
        f' stroke="{paint("paper")}" stroke-width="3" paint-order="stroke"' if halo else "",
    )
    behind = f'<tspan dx="8" fill="{paint("muted")}">{escape(more)}</tspan>' if more else ""
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}"'
        f' fill="{paint(fill)}"{"".join(looks)}>{escape(words)}{behind}</text>'
    )
