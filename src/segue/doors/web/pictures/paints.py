"""Colours of pictures by name: a custom property in the page, a fixed colour in a file."""

from __future__ import annotations

import re
from typing import Final, Literal

from segue.palette import DARK, LIGHT

__all__ = ["Theme", "custom_properties", "paint", "repainted"]

Theme = Literal["light", "dark"]

_THEMES: Final = {"light": LIGHT, "dark": DARK}
_PAINT: Final = re.compile(r"var\(--([a-z0-9-]+),#[0-9a-f]{6}\)")


def paint(name: str) -> str:
    """A colour of the palette as a page's value, with the light colour where nothing sets it.

    >>> paint("accent")
    'var(--accent,#0072b2)'
    """
    return f"var(--{name},{LIGHT[name]})"


def repainted(svg: str, theme: Theme) -> str:
    """The drawing with one theme's colours in the place of names, for a file of its own."""
    return _PAINT.sub(lambda found: _THEMES[theme][found[1]], svg)


def custom_properties(theme: Theme) -> str:
    """The palette as the declarations of a style sheet, a line each."""
    return "".join(f"  --{name}: {colour};\n" for name, colour in _THEMES[theme].items())
