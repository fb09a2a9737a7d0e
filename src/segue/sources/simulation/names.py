"""Invents names: of artists, never twice the same; of albums; and of tracks, unique on an album."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.sources.simulation.english_words import SYLLABLES
from segue.sources.simulation.style import Style
from segue.sources.simulation.words import STYLES

__all__ = ["album_names", "artist_names", "track_titles"]

_DRAWS: Final = 9  # how many random numbers one name takes
_FIELDS: Final = ("a", "n", "m", "v", "p", "f", "l")
_ROMAN: Final = ("", "II", "III", "IV", "V", "VI", "VII", "VIII")


class _Inventor:
    """Fills the patterns of one style with its words."""

    def __init__(self, style: Style, patterns: Sequence[str]) -> None:
        self._patterns = patterns
        lists = {
            "a": style.adjectives,
            "n": style.nouns,
            "m": style.nouns,
            "v": style.verbs,
            "p": style.places,
            "f": style.firsts,
            "l": style.lasts,
        }
        self._lists = [lists[name] for name in _FIELDS]

    def invent(self, draws: list[int]) -> str:
        pattern = self._patterns[draws[0] % len(self._patterns)]
        words = {
            name: words[draw % len(words)]
            for name, words, draw in zip(_FIELDS, self._lists, draws[1:8], strict=True)
            if "{" + name in pattern
        }
        return pattern.format_map(words | {"i": draws[8] % 12 + 1, "j": draws[7] % 90 + 10})


def _draws(rng: np.random.Generator, n: int) -> list[list[int]]:
    numbers: list[list[int]] = rng.integers(0, 2**31, size=(n, _DRAWS), dtype=np.int64).tolist()
    return numbers


def artist_names(styles: Sequence[str], rng: np.random.Generator) -> list[str]:
    """A name for each artist, in the style given for it; no two are equal."""
    inventors = {name: _Inventor(style, style.artists) for name, style in STYLES.items()}
    taken: set[str] = set()
    names: list[str] = []
    for style, draws in zip(styles, _draws(rng, len(styles)), strict=True):
        name = inventors[style].invent(draws)
        if name.casefold() in taken:
            name = f"{STYLES[style].firsts[draws[5] % len(STYLES[style].firsts)]} {_surname(draws)}"
        if name.casefold() in taken:
            name = f"{name} {_surname(draws[3:])}"
        if name.casefold() in taken:
            name = f"{name} {len(names)}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _surname(draws: list[int]) -> str:
    """A family name that is in no list, of two or three syllables."""
    parts = [SYLLABLES[draw % len(SYLLABLES)] for draw in draws[1 : 3 + draws[0] % 2]]
    return "".join(parts).capitalize()


def track_titles(
    styles: Sequence[str], artist_of: npt.NDArray[np.int32], rng: np.random.Generator
) -> list[str]:
    """A title for each track; `artist_of` (ascending) says whose, and no artist has one twice."""
    inventors = {name: _Inventor(style, style.titles) for name, style in STYLES.items()}
    titles: list[str] = []
    current, taken = -1, dict[str, int]()
    chunk = 100_000
    for start in range(0, len(artist_of), chunk):
        owners = artist_of[start : start + chunk].tolist()
        for artist, draws in zip(owners, _draws(rng, len(owners)), strict=True):
            if artist != current:
                current, taken = artist, {}
            title = inventors[styles[artist]].invent(draws)
            again = taken.get(title, 0)
            taken[title] = again + 1
            if again:
                number = _ROMAN[again] if again < len(_ROMAN) else str(again + 1)
                title = f"{title} {number}"
                taken[title] = 1
            titles.append(title)
    return titles


def album_names(
    styles: Sequence[str],
    artist_of: npt.NDArray[np.int32],
    first_title: Sequence[str],
    *,
    single: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> list[str]:
    """A name for each album: a single has its track's, many albums have that of one of theirs."""
    inventors = {name: _Inventor(style, style.titles) for name, style in STYLES.items()}
    names: list[str] = []
    rows = zip(artist_of.tolist(), first_title, single.tolist(), strict=True)
    for (artist, title, alone), draws in zip(rows, _draws(rng, len(artist_of)), strict=True):
        if alone or draws[8] % 3 == 0:
            names.append(title)
        elif draws[8] % 29 == 1:
            names.append(str(draws[7] % 60 + 1960))  # an album called by a number
        else:
            names.append(inventors[styles[artist]].invent(draws))
    return names
