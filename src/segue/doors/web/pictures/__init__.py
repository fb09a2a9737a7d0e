"""Pictures of the page, as SVG: a value in, text out."""

from segue.doors.web.pictures.glyph import glyph, mood_in_words
from segue.doors.web.pictures.tile import tile

__all__ = ["glyph", "mood_in_words", "tile"]
