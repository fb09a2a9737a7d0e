"""Steps that leave tracks out: each keeps to one rule, and can say how much it cost.

A filter is hard: a track that breaks its rule never gets in, however few are left.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from segue.features.nearness import first_of_each
from segue.music.candidates import Candidates
from segue.music.names import title_key
from segue.playlists.facts import Facts, ManyFacts, TrackFacts, look_up, sheet_of
from segue.playlists.listener import Heard

__all__ = [
    "EachSongOnce",
    "FactFilter",
    "Filter",
    "FromYears",
    "InTempo",
    "LovedOnce",
    "NotRecent",
    "OfGenres",
    "OnlyTracks",
    "Screened",
    "WithTitle",
    "WithoutArtists",
    "WithoutKnownSongs",
    "WithoutSongs",
    "WithoutTracks",
    "genre_matches",
    "screen",
    "song_key_of",
    "song_keys",
]


class Filter(ABC):
    """A step that looks at each track by itself."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What the rule is about, for a note: “genre “jazz””, “years 1990–1999”."""

    @abstractmethod
    def keeps(self, track_id: str) -> bool:
        """Whether the track keeps to the rule."""

    def keeping(self, track_ids: Sequence[str]) -> Sequence[bool]:
        """Which of some tracks do."""
        return [self.keeps(track_id) for track_id in track_ids]

    def __call__(self, candidates: Candidates, /) -> Candidates:
        """The candidates that keep to the rule, in their order."""
        kept = self.keeping(candidates.track_ids)
        if all(kept):
            return candidates
        return candidates.take(row for row, keeps in enumerate(kept) if keeps)


@dataclass(frozen=True)
class FactFilter(Filter):
    """A filter that wants to know the facts of a track."""

    facts: Facts = field(repr=False)

    def keeping(self, track_ids: Sequence[str]) -> Sequence[bool]:
        """Which of some tracks keep to the rule."""
        look_up(self.facts, track_ids)
        return super().keeping(track_ids)


@dataclass(frozen=True, slots=True)
class Screened:
    """What went through all filters, and how many tracks each of them alone kept out."""

    candidates: Candidates
    cost: Mapping[str, int]


def screen(candidates: Candidates, filters: Sequence[Filter]) -> Screened:
    """Apply every filter.

    Returns:
        The tracks that keep to all rules; and for each label the number of tracks which that
        rule alone kept out, since they kept to all others: what leaving it away would bring.
    """
    cost = {one.label: 0 for one in filters}
    verdicts = [(one.label, one.keeping(candidates.track_ids)) for one in filters]
    strict = [(label, kept) for label, kept in verdicts if not all(kept)]  # most keep everything
    if not strict:
        return Screened(candidates, cost)
    kept = []
    for row, verdict in enumerate(zip(*(kept for _, kept in strict), strict=True)):
        against = verdict.count(False)
        if not against:
            kept.append(row)
        elif against == 1:
            cost[strict[verdict.index(False)][0]] += 1
    return Screened(candidates.take(kept), cost)


@dataclass(frozen=True)
class WithTitle(FactFilter):
    """Tracks that can be shown: known, with a title and an artist."""

    label: str = "having a name"

    def keeps(self, track_id: str) -> bool:
        """A track without a title or an artist cannot be shown to anybody."""
        return self.keeping([track_id])[0]

    def keeping(self, track_ids: Sequence[str]) -> Sequence[bool]:
        """Which of some tracks have both."""
        if isinstance(self.facts, ManyFacts):
            return self.facts.showable(track_ids)
        facts = [self.facts.get(track_id) for track_id in track_ids]
        return [fact is not None and bool(fact.title and fact.artists) for fact in facts]


@dataclass(frozen=True)
class WithoutTracks(Filter):
    """Leaves out the given tracks: known ones, banned ones, seeds, recent repeats."""

    track_ids: frozenset[str] = field(repr=False)
    label: str = "the tracks to exclude"

    def keeps(self, track_id: str) -> bool:
        """Whether it is none of them."""
        return track_id not in self.track_ids

    def keeping(self, track_ids: Sequence[str]) -> Sequence[bool]:
        """Which of some tracks are none of them."""
        if self.track_ids.isdisjoint(track_ids):
            return [True] * len(track_ids)
        return [track_id not in self.track_ids for track_id in track_ids]


@dataclass(frozen=True)
class OnlyTracks(Filter):
    """Keeps the given tracks only, such as those the user knows."""

    track_ids: frozenset[str] = field(repr=False)
    label: str = "the wish for tracks you know"

    def keeps(self, track_id: str) -> bool:
        """Whether it is one of them."""
        return track_id in self.track_ids


@dataclass(frozen=True)
class WithoutArtists(FactFilter):
    """Leaves out tracks on which one of the artists is credited, in any place.

    Args:
        artist_keys: Artists in normal form.
    """

    artist_keys: frozenset[str]
    label: str = "the artists to exclude"

    def keeps(self, track_id: str) -> bool:
        """Whether none of them is on the track."""
        return self.artist_keys.isdisjoint(self.facts[track_id].artist_keys)


@dataclass(frozen=True)
class NotRecent(Filter):
    """Leaves out what was played after a moment, however short."""

    heard: Mapping[str, Heard] = field(repr=False)
    since: datetime
    label: str = "being played lately"

    def keeps(self, track_id: str) -> bool:
        """Whether its last play was before."""
        heard = self.heard.get(track_id)
        return heard is None or heard.last_at < self.since

    def keeping(self, track_ids: Sequence[str]) -> Sequence[bool]:
        """Which of some tracks were last played before."""
        if self.heard.keys().isdisjoint(track_ids):  # nothing is known of a discovery
            return [True] * len(track_ids)
        heard, since = map(self.heard.get, track_ids), self.since
        return [one is None or one.last_at < since for one in heard]


@dataclass(frozen=True)
class LovedOnce(Filter):
    """Keeps what the user loved: played some times, or kept."""

    heard: Mapping[str, Heard] = field(repr=False)
    kept: frozenset[str] = field(repr=False)
    plays: int = 3
    label: str = "the wish for favourites"

    def keeps(self, track_id: str) -> bool:
        """Whether it was played so often, or saved."""
        heard = self.heard.get(track_id)
        return heard is not None and (heard.plays >= self.plays or track_id in self.kept)


@dataclass(frozen=True)
class OfGenres(FactFilter):
    """Keeps tracks of at least one of the genres asked for (see `genre_matches`)."""

    genres: tuple[str, ...]

    @property
    def label(self) -> str:
        """The genres in quotes."""
        return "genre " + " or ".join(f"“{name}”" for name in self.genres)

    def keeps(self, track_id: str) -> bool:
        """A track whose genres are unknown is left out."""
        names = self.facts[track_id].genres
        return any(genre_matches(asked, name) for asked in self.genres for name in names)


@dataclass(frozen=True)
class FromYears(FactFilter):
    """Keeps tracks released in the years, both inclusive; an unknown year is left out."""

    first: int | None
    last: int | None

    @property
    def label(self) -> str:
        """The range, such as “years 1990–1999”."""
        return "years " + _range(self.first, self.last)

    def keeps(self, track_id: str) -> bool:
        """Whether the year is known and inside."""
        return _inside(self.facts[track_id].year, self.first, self.last)


@dataclass(frozen=True)
class InTempo(FactFilter):
    """Keeps tracks within the tempo, both inclusive; an unknown or zero tempo is left out.

    The tempo is taken as the catalogue says it: a track of 70 is not one of 140, since who asks
    for a range wants to run or to dance to it.
    """

    lowest: float | None
    highest: float | None

    @property
    def label(self) -> str:
        """The range, such as “tempo 90–120”."""
        return "tempo " + _range(self.lowest, self.highest)

    def keeps(self, track_id: str) -> bool:
        """Whether the tempo is known and inside; catalogues write 0 where they found none."""
        return _inside(self.facts[track_id].tempo or None, self.lowest, self.highest)


@dataclass(frozen=True)
class WithoutSongs(FactFilter):
    """Leaves out other recordings of known songs: the same title by one of the same artists."""

    songs: frozenset[str] = field(repr=False)
    label: str = "being a song you know"

    def keeps(self, track_id: str) -> bool:
        """Whether none of its song keys is known."""
        return self.songs.isdisjoint(song_keys(self.facts[track_id]))


@dataclass(frozen=True)
class WithoutKnownSongs(Filter):
    """The same for the songs that somebody knows, which are many.

    Args:
        songs: Tells which of some tracks are none of these songs.
    """

    songs: Callable[[Sequence[str]], Sequence[bool]] = field(repr=False)
    label: str = "being a song you know"

    def keeps(self, track_id: str) -> bool:
        """Whether none of its song keys is known."""
        return self.songs([track_id])[0]

    def keeping(self, track_ids: Sequence[str]) -> Sequence[bool]:
        """Which of some tracks are other songs."""
        return self.songs(track_ids)


@dataclass(frozen=True)
class EachSongOnce:
    """Keeps the best of several tracks that are one song: same title, an artist in common."""

    facts: Facts = field(repr=False)

    def __call__(self, candidates: Candidates, /) -> Candidates:
        """The first of each song, in their order."""
        songs = sheet_of(self.facts, candidates.track_ids).songs
        return candidates.take(first_of_each(songs, len(candidates)))


def song_keys(track: TrackFacts) -> tuple[str, ...]:
    """One key for each artist on the track: the artist and the title in normal form."""
    return _song_keys(track.title, track.artist_keys)


@lru_cache(maxsize=1 << 16)
def _song_keys(title: str, artist_keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple([song_key_of(title, artist) for artist in artist_keys])


def song_key_of(title: str, artist: str) -> str:
    """The key of a song by an artist in normal form."""
    return f"{artist}\x1f{title_key(title)}"


def genre_matches(asked: str, genre: str) -> bool:
    """Whether a genre is what somebody means by a word or two.

    Case and punctuation do not matter, and “&”, “and”, “n” are one word. The words asked for must
    begin a word of the genre: “metal” finds “metalcore” and “death metal”, but “rap” is not “trap”.

    >>> genre_matches("Hip Hop", "hip-hop"), genre_matches("rap", "trap")
    (True, False)
    """
    wanted, words = _genre_words(asked), _genre_words(genre)
    if not wanted:
        return False
    return f" {wanted}" in f" {words}" or wanted.replace(" ", "") == words.replace(" ", "")


_AND: Final = {"and": "n", "&": "n"}


@lru_cache(maxsize=1 << 14)
def _genre_words(name: str) -> str:
    spaced = name.casefold().replace("&", " & ")
    plain = "".join(ch if ch.isalnum() or ch == "&" else " " for ch in spaced)
    return " ".join(_AND.get(word, word) for word in plain.split())


def _inside(value: float | None, low: float | None, high: float | None) -> bool:
    if value is None:
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:g}–{high:g}" if low != high else f"{low:g}"
    if low is not None:
        return f"from {low:g}"
    return f"up to {high:g}" if high is not None else "of any number"
