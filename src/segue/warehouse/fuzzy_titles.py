"""Titles by one artist that differ by a slip of the pen, and no more than that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz, process

__all__ = ["FuzzyMatch", "FuzzyTitles", "is_slip"]


def _vocabulary(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SHORTEST: Final = 8
"""Letters; a shorter title must be exact ("Angel" is not "Angels")."""

_CELLS: Final = 4_000_000
_NOT_AN_ARTIST: Final = frozenset(
    ("various artists", "various", "va", "unknown artist", "unknown", "soundtrack", "n a")
)
_NUMBER: Final = re.compile(r"\d+(?:st|nd|rd|th)?|[ivx]+|[a-z]")
_NUMBER_WORDS: Final = _vocabulary(
    "one two three four five six seven eight nine ten eleven twelve first second third fourth "
    "fifth sixth seventh eighth ninth tenth"
)
_VERSION_WORDS: Final = _vocabulary(
    "remix rmx mix edit version acoustic instrumental karaoke cover demo live unplugged "
    "reprise intro outro interlude prelude medley dub mashup bootleg extended piano "
    "orchestral skit freestyle cappella acapella slowed sped nightcore reverb"
)
_FILLERS: Final = frozenset(("a", "an", "the", "and", "of"))
_LIKE: Final = 70.0
"""How alike, 0 … 100, two words must be to be the same word misspelt."""


@dataclass(frozen=True, slots=True)
class FuzzyMatch:
    """The song that a title nearly fits.

    Args:
        song: Its number, as given to `FuzzyTitles`.
        score: 0 … 1.
    """

    song: int
    score: float


class FuzzyTitles:
    """The known titles of one artist, searchable by titles that are a little off.

    Args:
        known: Normal form of a title -> number of its song.
        threshold: Lowest score that is a match, 0 … 100: the normalised Indel similarity.
    """

    def __init__(self, known: Mapping[str, int], threshold: float) -> None:
        self._titles = [title for title in known if _letters(title) >= _SHORTEST]
        self._songs = [known[title] for title in self._titles]
        self._threshold = threshold

    def find(self, artist: str, titles: Sequence[str]) -> dict[str, FuzzyMatch]:
        """The best song for each title that nearly fits exactly one best.

        Args:
            artist: Normal form; collective names such as "various artists" match nothing.
            titles: Normal forms of titles that are not known.
        """
        wanted = [title for title in titles if _letters(title) >= _SHORTEST]
        if not wanted or not self._titles or artist in _NOT_AN_ARTIST:
            return {}
        found: dict[str, FuzzyMatch] = {}
        for title, candidates in self._near(wanted):
            best = self._best(title, candidates)
            if best is not None:
                found[title] = best
        return found

    def _near(self, wanted: list[str]) -> Iterator[tuple[str, list[tuple[float, int]]]]:
        """Each title with (score, position) of the known titles above the threshold."""
        step = max(1, _CELLS // len(self._titles))
        for start in range(0, len(wanted), step):
            part = wanted[start : start + step]
            scores = process.cdist(
                part, self._titles, scorer=fuzz.ratio, score_cutoff=self._threshold
            )
            near: dict[int, list[tuple[float, int]]] = {}
            for row, column in zip(*(axis.tolist() for axis in scores.nonzero()), strict=True):
                near.setdefault(row, []).append((float(scores[row, column]), column))
            for row, candidates in near.items():
                yield part[row], candidates

    def _best(self, title: str, candidates: list[tuple[float, int]]) -> FuzzyMatch | None:
        """The best candidate, unless another song is just as near."""
        slips = [(s, i) for s, i in candidates if is_slip(title, self._titles[i])]
        if not slips:
            return None
        score = max(score for score, _ in slips)
        songs = {self._songs[i] for s, i in slips if s == score}
        return FuzzyMatch(songs.pop(), score / 100.0) if len(songs) == 1 else None


def is_slip(one: str, other: str) -> bool:
    """Whether two titles in normal form differ by spelling only, not by what they say.

    Numbers ("part 1", "symphony no 5", "ii") and words for versions ("remix", "acoustic") must
    be the same, and each other word must have a partner that is nearly the same word.

    >>> is_slip("dont stop believin", "dont stop believing"), is_slip("op 27 no 1", "op 27 no 2")
    (True, False)
    """
    ours, theirs = one.split(), other.split()
    if _marks(ours) != _marks(theirs):
        return False
    if one.replace(" ", "") == other.replace(" ", ""):
        return True
    left = [word for word in ours if word not in theirs and word not in _FILLERS]
    right = [word for word in theirs if word not in ours and word not in _FILLERS]
    if len(left) != len(right):
        return fuzz.ratio("".join(left), "".join(right)) >= _LIKE and bool(left) and bool(right)
    return all(fuzz.ratio(a, b) >= _LIKE for a, b in zip(left, right, strict=True))


def _letters(title: str) -> int:
    return len(title) - title.count(" ")


def _marks(words: Sequence[str]) -> list[str]:
    """The words that must be the same: numbers in their order, then what makes a version."""
    numbers = [
        word
        for word in words
        if (_NUMBER.fullmatch(word) and word not in ("a", "i")) or word in _NUMBER_WORDS
    ]
    return [*numbers, "|", *sorted(set(words) & _VERSION_WORDS)]
