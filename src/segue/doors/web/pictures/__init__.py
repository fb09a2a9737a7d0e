"""Pictures of the page, as SVG: a value in, text out."""

from segue.doors.web.pictures.bars import Bar, bars, longest_runs, ranking
from segue.doors.web.pictures.calendar import calendar
from segue.doors.web.pictures.clock import clock
from segue.doors.web.pictures.columns import Part, columns, new_against_known, over_time
from segue.doors.web.pictures.glyph import glyph, mood_in_words
from segue.doors.web.pictures.lines import Line, genres_over_time, lines, sound_over_time
from segue.doors.web.pictures.paints import Theme, custom_properties
from segue.doors.web.pictures.picture import Picture
from segue.doors.web.pictures.tables import table_html
from segue.doors.web.pictures.tile import tile

__all__ = [
    "Bar",
    "Line",
    "Part",
    "Picture",
    "Theme",
    "bars",
    "calendar",
    "clock",
    "columns",
    "custom_properties",
    "genres_over_time",
    "glyph",
    "lines",
    "longest_runs",
    "mood_in_words",
    "new_against_known",
    "over_time",
    "ranking",
    "sound_over_time",
    "table_html",
    "tile",
]
