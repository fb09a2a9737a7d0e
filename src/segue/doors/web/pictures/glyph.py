"""The small sign of energy and mood beside a track: a dot on the map of moods."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from html import escape
from typing import Final

from segue.music import columns as c
from segue.music.mood_colours import hex_of, mood_colour

__all__ = ["glyph", "mood_in_words"]

_REMEMBERED: Final = 2_048
_ENERGY: Final = ((0.33, "quiet"), (0.66, "lively"), (1.01, "loud"))
_VALENCE: Final = ((0.33, "sad"), (0.6, ""), (1.01, "happy"))


def mood_in_words(features: Mapping[str, float | None] | None) -> str:
    """Energy and mood as people say them; an empty text where they are unknown.

    >>> mood_in_words({"energy": 0.9, "valence": 0.8})
    'loud and happy'
    """
    return _in_words(*_pair(features))


def _in_words(energy: float | None, valence: float | None) -> str:
    words = [_word(energy, _ENERGY), _word(valence, _VALENCE)]
    return " and ".join(word for word in words if word)


def glyph(features: Mapping[str, float | None] | None) -> str:
    """The sign as an `<svg>`: the dot stands right for happy, up for loud, in the tile's colour.

    A track of unknown sound has an empty field, so that rows keep their form.
    """
    return _glyph(*_pair(features))


@lru_cache(_REMEMBERED)
def _glyph(energy: float | None, valence: float | None) -> str:
    words = _in_words(energy, valence) or "sound unknown"
    dot = ""
    if energy is not None or valence is not None:
        up, along = (0.5 if value is None else value for value in (energy, valence))
        colour = hex_of(mood_colour(up, along))
        dot = (
            f'<circle cx="{4.5 + 7 * along:.1f}" cy="{11.5 - 7 * up:.1f}" r="3.5" fill="{colour}"'
            ' stroke="currentColor" stroke-width=".75"/>'
        )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="glyph" viewBox="0 0 16 16" role="img"'
        f' aria-label="{escape(words)}"><title>{escape(words)}</title>'
        '<rect width="16" height="16" rx="4" fill="currentColor" opacity=".14"/>'
        f"{dot}</svg>"
    )


def _pair(features: Mapping[str, float | None] | None) -> tuple[float | None, float | None]:
    known = features or {}
    return _part(known.get(c.ENERGY)), _part(known.get(c.VALENCE))


def _part(value: float | None) -> float | None:
    # NaN is not between 0 and 1 either
    return value if value is not None and 0.0 <= value <= 1.0 else None


def _word(value: float | None, words: tuple[tuple[float, str], ...]) -> str:
    if value is None:
        return ""
    return next(word for bound, word in words if value < bound)
