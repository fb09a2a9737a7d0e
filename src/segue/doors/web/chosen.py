"""What somebody chose on the page: filters as words, and the same as wishes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from segue.doors.web.ask import Ask
from segue.flows.wishes import Wishes
from segue.music.moods import MOODS

__all__ = ["FAR", "Choice", "Chosen", "choices_of", "wishes_of"]

FAR: Final = 30
"""Where the dial stands until somebody turns it, of 100."""

_SPAN: Final = re.compile(r"(\d{1,4})?-(\d{1,4})?")
_MIXES: Final = ("discover", "rediscover", "daily")

ERAS: Final = (
    ("-1959", "Before 1960"),
    *((f"{year}-{year + 9}", f"{year}s") for year in range(1960, 2000, 10)),
    ("2000-2009", "2000s"),
    ("2010-2019", "2010s"),
    ("2020-", "2020s"),
)
TEMPOS: Final = (
    ("-90", "Slow · up to 90"),
    ("90-120", "Walking · 90 to 120"),
    ("120-145", "Quick · 120 to 145"),
    ("145-", "Fast · from 145"),
)
LENGTHS: Final = (("-3", "Up to 3 min"), ("3-5", "3 to 5 min"), ("5-", "Over 5 min"))


@dataclass(frozen=True, slots=True)
class Choice:
    """A field with a few values.

    Args:
        name: As in the address.
        any_: What it is called while nothing is chosen.
        options: value, words, whether it is the chosen one.
    """

    name: str
    label: str
    any_: str
    options: tuple[tuple[str, str, bool], ...]

    @property
    def is_set(self) -> bool:
        """Whether anything is chosen."""
        return any(chosen for _, _, chosen in self.options)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Values as they stand in the address; what cannot be meant counts as nothing.

    Args:
        far: The dial, 0 … 100.
    """

    mix: str = "discover"
    genre: str = ""
    mood: str = ""
    era: str = ""
    tempo: str = ""
    minutes: str = ""
    far: int = FAR

    @classmethod
    def of(cls, ask: Ask) -> Chosen:
        """What the address says."""
        mix, mood, far = ask.one("mix"), ask.one("mood"), ask.one("far")
        return cls(
            mix=mix if mix in _MIXES else "discover",
            genre=ask.one("genre")[:100],
            mood=mood if mood in MOODS else "",
            era=_span(ask.one("era")),
            tempo=_span(ask.one("tempo")),
            minutes=_span(ask.one("minutes")),
            far=min(int(far), 100) if far.isdecimal() and len(far) < 4 else FAR,
        )

    @property
    def filtered(self) -> bool:
        """Whether anything but the mix and the dial is chosen."""
        return any((self.genre, self.mood, self.era, self.tempo, self.minutes))


def wishes_of(chosen: Chosen, *, size: int, **more: Any) -> Wishes:
    """The same as the recommenders have it."""
    years = _bounds(chosen.era)
    return Wishes(
        **{
            "mix": chosen.mix,
            "size": size,
            "adventurous": chosen.far / 100,
            "genres": (chosen.genre,) if chosen.genre else (),
            "mood": chosen.mood or None,
            "years": years,
            "tempo": _bounds(chosen.tempo),
            "minutes": _bounds(chosen.minutes),
            **more,
        }
    )


def choices_of(chosen: Chosen, genres: Sequence[str]) -> tuple[Choice, ...]:
    """The fields of the filters."""
    if chosen.genre and chosen.genre not in genres:
        genres = (chosen.genre, *genres)
    moods = [(mood, mood.capitalize()) for mood in MOODS]
    return (
        _choice("genre", "Genre", "Any genre", [(one, one) for one in genres], chosen.genre),
        _choice("mood", "Mood", "Any mood", moods, chosen.mood),
        _choice("era", "Era", "Any era", ERAS, chosen.era),
        _choice("tempo", "Tempo", "Any tempo", TEMPOS, chosen.tempo),
        _choice("minutes", "Length", "Any length", LENGTHS, chosen.minutes),
    )


def _choice(
    name: str, label: str, any_: str, options: Iterable[tuple[str, str]], now: str
) -> Choice:
    told = [(value, words, value == now) for value, words in options]
    if now and not any(chosen for _, _, chosen in told):
        told.append((now, now.replace("-", "–"), True))  # typed into the address
    return Choice(name, label, any_, tuple(told))


def _span(text: str) -> str:
    return text if text != "-" and _SPAN.fullmatch(text) else ""


def _bounds(span: str) -> tuple[int | None, int | None] | None:
    if not span:
        return None
    first, _, last = span.partition("-")
    low, high = (int(first) if first else None), (int(last) if last else None)
    if low is not None and high is not None and low > high:
        low, high = high, low
    return low, high
