"""Finds tracks, albums and artists of a catalogue by words and field filters."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from segue.fakes.catalogue import Album, Artist, Catalogue, Track

__all__ = ["SearchIndex", "Wanted", "parsed"]

_FILTERS: Final = re.compile(r"\b(album|artist|track|year|upc|tag|isrc|genre):", re.IGNORECASE)
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True)
class Wanted:
    """A query taken apart: what must be in which field, and words that may be in any."""

    words: tuple[str, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)


def parsed(query: str) -> Wanted:
    """Take a query apart: `isrc:QZ…`, `track:"A title" artist:Somebody`, or free words."""
    parts = _FILTERS.split(query)
    told = {
        name.lower(): value.strip().strip('"')
        for name, value in zip(parts[1::2], parts[2::2], strict=True)
    }
    return Wanted(tuple(_words(parts[0])), told)


class SearchIndex:
    """Words to invented tracks, made at the first search; tracks that were added are looked at."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._by_word: dict[str, set[int]] | None = None
        self._by_isrc: dict[str, int] = {}

    def tracks(self, wanted: Wanted, market: str) -> list[Track]:
        """The tracks that fit and that a market has, those of just that title first."""
        found = [track for track in self._candidates(wanted) if _fits(track, wanted)]
        there = [track for track in found if not market or track.is_playable(market)]
        title = " ".join(_words(wanted.fields.get("track", " ".join(wanted.words))))
        return sorted(there, key=lambda track: " ".join(_words(track.name)) != title)

    def albums(self, wanted: Wanted, market: str) -> list[Album]:
        """The albums of the tracks that fit."""
        if "upc" in wanted.fields or "tag" in wanted.fields:
            return []
        return list({track.album.id: track.album for track in self.tracks(wanted, market)}.values())

    def artists(self, wanted: Wanted) -> list[Artist]:
        """The artists whose name fits."""
        words = {*wanted.words, *_words(wanted.fields.get("artist", ""))}
        if not words or set(wanted.fields) - {"artist"}:
            return []
        every = (
            artist
            for track in self._candidates(Wanted(tuple(words)))
            for artist in track.artists
            if words <= set(_words(artist.name))
        )
        return list({artist.id: artist for artist in every}.values())

    def _candidates(self, wanted: Wanted) -> Iterator[Track]:
        by_word = self._made()
        if isrc := wanted.fields.get("isrc", "").upper():
            numbers = {self._by_isrc[isrc]} if isrc in self._by_isrc else set()
        else:
            words = [*wanted.words]
            for name in ("track", "artist", "album"):
                words += _words(wanted.fields.get(name, ""))
            sets = [by_word.get(word, set()) for word in words]
            numbers = set.intersection(*sets) if sets else set(range(self._catalogue.size))
        for number in sorted(numbers):
            track = self._catalogue.get(self._catalogue.track(number).id)
            if track is not None:
                yield track
        for track in self._catalogue.added.values():
            if track.id not in self._catalogue.gone:
                yield track

    def _made(self) -> dict[str, set[int]]:
        if self._by_word is None:
            self._by_word = defaultdict(set)
            for number in range(self._catalogue.size):
                track = self._catalogue.track(number)
                self._by_isrc[track.isrc] = number
                for word in _all_words(track):
                    self._by_word[word].add(number)
        return self._by_word


def _fits(track: Track, wanted: Wanted) -> bool:
    has = {
        "track": track.name,
        "artist": " ".join(artist.name for artist in track.artists),
        "album": track.album.name,
    }
    for name, value in wanted.fields.items():
        if name == "isrc":
            if track.isrc != value.upper():
                return False
        elif name == "year":
            first, _, last = value.partition("-")
            if not first <= track.album.released[:4] <= (last or first):
                return False
        elif name not in has or not set(_words(value)) <= set(_words(has[name])):
            return False
    return set(wanted.words) <= set(_all_words(track))


def _all_words(track: Track) -> Iterable[str]:
    names = (track.name, track.album.name, *(artist.name for artist in track.artists))
    return [word for name in names for word in _words(name)]


@lru_cache(maxsize=100_000)
def _words(text: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return tuple(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c))))
