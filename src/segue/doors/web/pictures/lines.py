"""Lines over time with their names at their ends: drift of taste, shares of skips, hit rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from segue.analytics.drift import Drift
from segue.analytics.lettering import cut
from segue.analytics.periods import Every, name_of
from segue.analytics.sections import Section
from segue.analytics.words import share
from segue.doors.web.pictures.axes import day_labels, round_marks
from segue.doors.web.pictures.paints import paint
from segue.doors.web.pictures.picture import WIDTH, Picture, number, text

__all__ = ["Line", "genres_over_time", "lines", "sound_over_time"]

_TALL: Final = 150.0
_TOP: Final = 14.0
_NAMES: Final = 96.0
_APART: Final = 15.0  # between names at the ends
_MANY: Final = 5
_DASHES: Final = ("", "", "7 3", "2 3", "9 3 2 3")
_SOUNDS: Final = ("energy", "valence", "danceability", "acousticness", "instrumentalness")
_SOUND_WORDS: Final = {
    "energy": "energy",
    "valence": "happiness",
    "danceability": "dance",
    "acousticness": "acoustic",
    "instrumentalness": "no voice",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A name, and a share (0 … 1) for each period; None where nothing is known."""

    name: str
    shares: tuple[float | None, ...]


def lines(
    begins: Sequence[date],
    drawn_lines: Sequence[Line],
    *,
    every: Every,
    key: str,
    title: str,
    words: str,
) -> Picture:
    """Shares over time; colours are told apart by dashes and names, too.

    Args:
        begins: First day of each period, at least one.
        drawn_lines: One to five lines.
        every: How long a period is.
        key: Of the picture.
        title: Of the picture.
        words: What it shows.
    """
    most = max((value or 0.0 for line in drawn_lines for value in line.shares), default=0.0)
    marks = round_marks(most)
    foot = _TOP + _TALL
    wide = WIDTH - (_NAMES if len(drawn_lines) > 1 else 40)
    days = max(1, (begins[-1] - begins[0]).days)
    at = [wide * (day - begins[0]).days / days for day in begins]
    drawn = list(_grid(marks, foot, wide))
    ends: list[tuple[float, int]] = []
    for n, line in enumerate(drawn_lines):
        points = [
            (x, foot - _TALL * value / marks[-1])
            for x, value in zip(at, line.shares, strict=True)
            if value is not None
        ]
        if points:
            drawn.append(_drawn(points, n, single=len(drawn_lines) == 1))
            ends.append((points[-1][1], n))
    drawn += _marks(marks, foot, many=len(drawn_lines) > 1)
    if len(drawn_lines) > 1:
        drawn += _end_names(sorted(ends), drawn_lines, wide, foot)
    drawn += day_labels(begins, every, at=at, y=foot + 18, width=wide)
    rows = tuple(
        (name_of(begin, every), *(share(line.shares[n]) for line in drawn_lines))
        for n, begin in enumerate(begins)
    )
    head = (every.capitalize(), *(f"# {line.name}" for line in drawn_lines))
    return Picture(key, title, words, foot + 24, "".join(drawn), Section(title, head, rows))


def _grid(marks: Sequence[float], foot: float, wide: float) -> Iterator[str]:
    for mark in marks:
        y = foot - _TALL * mark / marks[-1]
        yield f'<path d="M0 {number(y)}H{number(wide)}" stroke="{paint("line")}"/>'


def _marks(marks: Sequence[float], foot: float, *, many: bool) -> Iterator[str]:
    """Names of the lines of the grid: within it, where names of curves stand to its right."""
    for mark in marks[1:]:
        y = foot - _TALL * mark / marks[-1]
        if many:
            yield text(0, y - 4, share(mark), fill="muted", size=11, halo=True)
        else:
            yield text(WIDTH, y + 4, share(mark), fill="muted", size=12, anchor="end")


def _drawn(points: Sequence[tuple[float, float]], n: int, *, single: bool) -> str:
    colour = paint("accent" if single else f"curve-{n + 1}")
    path = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    dash = f' stroke-dasharray="{_DASHES[n]}"' if _DASHES[n] else ""
    x, y = points[-1]
    return (
        f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2.4"'
        f' stroke-linejoin="round" stroke-linecap="round"{dash}/>'
        f'<circle cx="{number(x)}" cy="{number(y)}" r="3.5" fill="{colour}"/>'
    )


def _end_names(
    ends: Sequence[tuple[float, int]], named: Sequence[Line], wide: float, foot: float
) -> Iterator[str]:
    """Beside the ends, pushed apart where lines end together."""
    places: list[float] = []
    for y, _ in ends:
        places.append(max(y, places[-1] + _APART) if places else y)
    for back in range(len(places) - 1, -1, -1):
        below = places[back + 1] - _APART if back + 1 < len(places) else foot
        places[back] = min(places[back], below)
    for (y, n), place in zip(ends, places, strict=True):
        colour = paint(f"curve-{n + 1}")
        yield (
            f'<path d="M{number(wide + 5)} {number(y)}L{number(wide + 12)} {number(place)}"'
            f' stroke="{colour}" stroke-width="1.5" fill="none"/>'
        )
        name = cut(named[n].name, (_NAMES - 16) / 12.5)
        yield text(wide + 16, place + 4, name, size=12.5)


def genres_over_time(told: Drift, *, key: str = "drift-genres") -> Picture:
    """The share of each of the largest genres, by period; at least one genre is known."""
    mixes = [mix for mix in told.periods if mix.genres]
    totals: dict[str, float] = {}
    for mix in mixes:
        for name, part in mix.genres.items():
            if name != "other":
                totals[name] = totals.get(name, 0.0) + part * mix.plays
    largest = sorted(totals, key=lambda name: (-totals[name], name))[:_MANY]
    return lines(
        [mix.begins for mix in mixes],
        [Line(name, tuple(mix.genres.get(name, 0.0) for mix in mixes)) for name in largest],
        every=told.every,
        key=key,
        title="Genres over time",
        words=_moved_words(told),
    )


def sound_over_time(told: Drift, *, key: str = "drift-sound") -> Picture:
    """How the music sounds on average, by period."""
    mixes = [mix for mix in told.periods if any(name in mix.sound for name in _SOUNDS)]
    named = [name for name in _SOUNDS if any(name in mix.sound for mix in mixes)]
    moved = next((each for each in told.sound if each.name in named), None)
    words = (
        f"{share(told.sound_told)} of the plays are of tracks whose sound is known."
        if moved is None
        else f"What moved most is {_SOUND_WORDS[moved.name]}:"
        f" {share(moved.mean_before)}, then {share(moved.mean)}."
    )
    return lines(
        [mix.begins for mix in mixes],
        [Line(_SOUND_WORDS[name], tuple(mix.sound.get(name) for mix in mixes)) for name in named],
        every=told.every,
        key=key,
        title="Sound over time",
        words=words,
    )


def _moved_words(told: Drift) -> str:
    rose = ", ".join(moved.name for moved in told.genres.rose[:3])
    fell = ", ".join(moved.name for moved in told.genres.fell[:3])
    words = [f"more {rose}" if rose else "", f"less {fell}" if fell else ""]
    said = "; ".join(word for word in words if word) or "no genre moved"
    return f"{told.compared[0]} against {told.compared[1]}: {said}."
