"""The genres of the simulated world: where each lies in audio-feature space, and when it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["CORRELATION", "GENRES", "SOUND", "SPREAD", "Genre"]

SOUND: Final = (
    "danceability",
    "energy",
    "loudness",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
)
"""The features that vary together, in the order of CORRELATION; the rest are drawn apart."""


@dataclass(frozen=True, slots=True)
class Genre:
    """One genre: its centroid, its years, and how its names are made.

    Args:
        name: As catalogues write it.
        family: Genres of a family lie near each other in taste.
        sound: Centroid in the order of SOUND; loudness in dB, tempo in beats per minute.
        year: Middle and spread (years) of its artists' first releases.
        explicit: Share of tracks, 0 … 1.
        minutes: Middle length of a track.
        weight: How much of the world's music it is.
        style: Which word lists its names come from.
    """

    name: str
    family: str
    sound: tuple[float, ...]
    year: tuple[float, float]
    explicit: float
    minutes: float
    weight: float
    style: str


def _genre(line: str) -> Genre:
    name, family, sound, year, rest = (part.strip() for part in line.split("|"))
    explicit, minutes, weight, style = rest.split()
    middle, spread = (float(part) for part in year.split())
    return Genre(
        name=name,
        family=family,
        sound=tuple(float(part) for part in sound.split()),
        year=(middle, spread),
        explicit=float(explicit),
        minutes=float(minutes),
        weight=float(weight),
        style=style,
    )


# name | family | danceability energy loudness speechiness acousticness instrumentalness liveness
# valence tempo | year spread | explicit minutes weight style
_TABLE: Final = """
pop              | pop       | .65 .65 -6 .06 .22 .001 .16 .52 118 | 2008 10 | .15 3.4 9 english
dance            | pop       | .70 .75 -5 .07 .12 .003 .18 .55 123 | 2012 7 | .14 3.3 5 electronic
synth-pop        | pop       | .62 .72 -7 .05 .10 .020 .16 .55 121 | 1998 13 | .05 3.9 3 electronic
indie-pop        | pop       | .58 .58 -8 .05 .32 .010 .15 .50 118 | 2012 7 | .08 3.6 4 english
k-pop            | asia      | .66 .75 -5 .08 .18 .001 .17 .58 120 | 2016 5 | .04 3.3 3 korean
j-pop            | asia      | .56 .78 -5 .06 .18 .004 .20 .56 128 | 2010 9 | .02 4.0 3 japanese
hip-hop          | hip-hop   | .74 .66 -7 .24 .18 .001 .19 .50 112 | 2010 10 | .70 3.4 8 rap
trap             | hip-hop   | .76 .62 -6 .20 .18 .002 .17 .38 138 | 2017 4 | .80 2.9 5 rap
boom-bap         | hip-hop   | .70 .66 -8 .28 .22 .004 .22 .55 93 | 1998 9 | .65 3.8 3 rap
r-n-b            | soul      | .66 .56 -7 .09 .28 .002 .15 .46 108 | 2008 10 | .30 3.6 4 soul
soul             | soul      | .58 .50 -9 .05 .42 .004 .18 .56 106 | 1980 16 | .04 3.6 4 soul
funk             | soul      | .72 .68 -9 .07 .22 .020 .16 .74 110 | 1982 13 | .05 4.3 3 soul
disco            | soul      | .72 .76 -9 .05 .14 .020 .16 .78 118 | 1980 8 | .01 4.6 3 soul
rock             | rock      | .52 .74 -7 .05 .14 .010 .20 .50 124 | 1992 16 | .06 4.0 8 rock
alt-rock         | rock      | .51 .76 -6 .05 .10 .010 .18 .46 124 | 2002 10 | .10 3.9 6 rock
indie            | rock      | .53 .64 -7 .05 .24 .030 .16 .46 121 | 2011 8 | .10 3.8 6 rock
grunge           | rock      | .46 .80 -6 .05 .05 .020 .18 .40 122 | 1995 5 | .10 4.0 2 rock
shoegaze         | rock      | .36 .72 -7 .05 .10 .300 .18 .32 122 | 2004 11 | .02 4.6 2 rock
punk             | metal     | .46 .88 -5 .08 .04 .004 .24 .54 154 | 1998 11 | .22 2.6 3 rock
metal            | metal     | .42 .92 -5 .08 .01 .060 .22 .32 130 | 2003 11 | .14 4.6 4 metal
black-metal      | metal     | .26 .94 -6 .09 .01 .400 .20 .18 132 | 2009 8 | .05 5.8 2 metal
house            | electronic| .76 .78 -8 .06 .06 .400 .16 .52 124 | 2012 8 | .06 5.4 5 electronic
techno           | electronic| .72 .80 -9 .06 .06 .750 .13 .28 131 | 2014 7 | .02 6.2 4 electronic
trance           | electronic| .58 .84 -8 .05 .04 .550 .20 .32 136 | 2007 8 | .01 6.4 2 electronic
drum-and-bass    | electronic| .55 .86 -6 .08 .05 .350 .20 .38 174 | 2012 9 | .08 4.6 3 electronic
ambient          | calm      | .26 .22 -20 .04 .82 .860 .12 .14 98 | 2010 11 | .00 4.8 3 nordic
idm              | electronic| .54 .60 -11 .08 .30 .720 .14 .32 124 | 2006 9 | .02 4.8 2 electronic
trip-hop         | electronic| .64 .54 -10 .08 .30 .260 .14 .42 100 | 2001 7 | .08 4.6 2 electronic
jazz             | jazz      | .52 .36 -13 .05 .72 .180 .16 .52 112 | 1978 20 | .00 5.2 4 jazz
bossa-nova       | jazz      | .60 .36 -12 .05 .76 .050 .14 .62 116 | 1982 18 | .00 3.2 2 portuguese
blues            | jazz      | .54 .48 -10 .06 .48 .030 .20 .58 116 | 1979 18 | .01 4.0 2 soul
classical        | calm      | .28 .18 -20 .05 .94 .720 .13 .22 104 | 1996 13 | .00 4.9 3 classical
piano            | calm      | .38 .18 -21 .05 .93 .850 .11 .24 106 | 2014 7 | .00 3.0 3 french
folk             | acoustic  | .50 .38 -11 .04 .70 .010 .14 .46 118 | 1996 18 | .02 3.8 4 english
singer-songwriter| acoustic  | .54 .42 -9 .04 .58 .003 .13 .42 118 | 2006 12 | .06 3.7 4 english
country          | acoustic  | .56 .64 -7 .04 .30 .002 .18 .56 126 | 2002 14 | .03 3.5 4 country
chanson          | acoustic  | .56 .50 -9 .06 .50 .003 .16 .50 116 | 1996 18 | .05 3.5 2 french
latin            | latin     | .70 .70 -6 .08 .24 .001 .18 .68 118 | 2009 10 | .10 3.6 5 spanish
reggaeton        | latin     | .76 .74 -5 .10 .18 .001 .16 .62 102 | 2016 5 | .28 3.4 4 spanish
salsa            | latin     | .66 .74 -7 .05 .40 .002 .18 .82 104 | 1992 14 | .00 4.6 2 spanish
mpb              | latin     | .58 .54 -9 .05 .52 .006 .20 .58 118 | 1990 17 | .01 3.8 3 portuguese
afrobeat         | afro      | .74 .72 -7 .09 .24 .010 .14 .68 112 | 2014 9 | .10 3.6 3 afro
reggae           | afro      | .73 .56 -8 .10 .20 .006 .14 .70 110 | 1988 15 | .05 3.9 3 afro
dub              | afro      | .70 .56 -10 .09 .20 .420 .14 .58 118 | 1998 14 | .02 4.6 2 afro
nordic-folk      | acoustic  | .44 .42 -11 .04 .64 .120 .13 .34 114 | 2008 10 | .00 4.0 2 nordic
"""

GENRES: Final = tuple(_genre(line) for line in _TABLE.strip().splitlines())

SPREAD: Final = np.array([0.60, 0.85, 3.0, 0.60, 1.30, 1.60, 0.60, 0.95, 17.0])
"""Standard deviation within a genre: in logits, but loudness in dB, tempo in beats a minute."""

# the upper triangle, row by row, of the correlation of SOUND within a genre
_UPPER: Final = (
    (0.10, 0.12, 0.15, -0.15, -0.12, -0.12, 0.48, -0.08),  # danceability
    (0.72, 0.06, -0.64, -0.06, 0.18, 0.28, 0.20),  # energy
    (0.02, -0.48, -0.28, 0.08, 0.20, 0.15),  # loudness
    (-0.04, -0.12, 0.10, 0.04, 0.05),  # speechiness
    (0.08, -0.04, -0.10, -0.16),  # acousticness
    (-0.05, -0.16, -0.02),  # instrumentalness
    (0.00, 0.02),  # liveness
    (0.10,),  # valence
)


def _correlation() -> npt.NDArray[np.float64]:
    matrix = np.eye(len(SOUND))
    for row, values in enumerate(_UPPER):
        matrix[row, row + 1 :] = values
        matrix[row + 1 :, row] = values
    return matrix


CORRELATION: Final = _correlation()
"""Correlation of the features of SOUND within a genre, before they are bent into their ranges."""
