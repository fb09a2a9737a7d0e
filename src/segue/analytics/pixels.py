"""A drawing as pixels."""

from __future__ import annotations

from segue.errors import ConfigError

__all__ = ["png_of"]


def png_of(svg: str, *, scale: float) -> bytes:
    """An SVG as a PNG.

    Args:
        scale: Pixels for each unit of the drawing.

    Raises:
        ConfigError: What draws is not installed.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise ConfigError(
            "a picture as PNG needs vl-convert-python, which is not installed",
            field="format",
            cure="Take the SVG; or install Segue with all that it needs (the image `worker`).",
        ) from error
    made: bytes = vl_convert.svg_to_png(svg, scale=scale)
    return made
