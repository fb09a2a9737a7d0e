"""What is known of the tracks of a history, what was asked about them, and what is like them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from segue.music import columns as c
from segue.music.names import song_key

__all__ = ["FACTS", "Coverage", "Knowledge", "Thing"]

FACTS: Final = ("sound", "genres", "year", "popularity")
"""What a track may lack."""

_SAVED: Final = 2.0
_OF_AN_ARTIST: Final = 3


@dataclass
class Thing:
    """A track that may be asked about.

    Args:
        ref: What it is called in the lake.
        weight: How much it means to the user; of what is like their tracks, how much it is so.
        plays: Counted plays of the user.
        mine: Whether it is in the user's history, rather than something new.
        has: Which of `FACTS` are known of it.
    """

    ref: str
    title: str
    artist: str
    weight: float = 0.0
    plays: int = 0
    mine: bool = False
    uri: str | None = None
    mbid: str | None = None
    artist_mbid: str | None = None
    isrc: str | None = None
    has: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares of the user's plays, 0 to 1, whose track has each of `FACTS`; and how many are new.

    Args:
        shares: Fact -> share.
        new: Tracks that the user never played and that something of theirs is like.
    """

    shares: Mapping[str, float]
    new: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {**{name: round(share, 4) for name, share in self.shares.items()}, "new": self.new}


@dataclass
class Knowledge:
    """All of it, most important first where there is an order.

    Args:
        things: By reference.
        asked: (source, kind, question) -> when it was last answered, and whether with anything.
        artists: (source, artist) -> the track it is asked for, the artist's id, how alike.
        n_seeds: Tracks that similar ones are asked for.
        n_tracks: Tracks that facts are asked for.
    """

    n_seeds: int
    n_tracks: int
    things: dict[str, Thing] = field(default_factory=dict)
    asked: dict[tuple[str, str, str], tuple[datetime, bool]] = field(default_factory=dict)
    artists: dict[tuple[str, str], tuple[Thing, str, float]] = field(default_factory=dict)
    _by_song: dict[str, Thing] = field(default_factory=dict, repr=False)

    def add_mine(self, rows: Iterable[Mapping[str, Any]], saved: frozenset[str]) -> None:
        """Take the user's tracks.

        Args:
            rows: Of the `tracks` mart, with the user's own `plays` and a `ref`.
            saved: Ids of tracks that were saved or liked.
        """
        for row in rows:
            thing = Thing(
                ref=row["ref"],
                title=row[c.TITLE],
                artist=(row[c.ARTISTS] or [row[c.ARTIST]])[0],
                weight=math.log1p(row[c.PLAYS]) + _SAVED * (row[c.TRACK_ID] in saved),
                plays=row[c.PLAYS],
                mine=True,
                uri=row[c.SPOTIFY_URI],
                mbid=row[c.RECORDING_MBID],
                isrc=row[c.ISRC],
            )
            known = {
                "sound": row[c.ENERGY],
                "genres": row[c.GENRES],
                "year": row[c.YEAR],
                "popularity": row[c.POPULARITY],
            }
            thing.has |= {name for name, value in known.items() if value not in (None, [])}
            self.things[thing.ref] = thing
            self._by_song[song_key(thing.artist, thing.title)] = thing

    @property
    def mine(self) -> list[Thing]:
        """The user's tracks, the dearest first."""
        return self._ordered(thing for thing in self.things.values() if thing.mine)

    @property
    def new(self) -> list[Thing]:
        """Tracks that the user never played, the most alike first."""
        return self._ordered(thing for thing in self.things.values() if not thing.mine)

    @property
    def seeds(self) -> list[Thing]:
        """The dearest tracks, a few of each artist, so that the whole taste asks."""
        found, per_artist = [], Counter[str]()
        for thing in self.mine:
            per_artist[thing.artist] += 1
            if per_artist[thing.artist] <= _OF_AN_ARTIST:
                found.append(thing)
        return found[: self.n_seeds]

    @property
    def described(self) -> list[Thing]:
        """The tracks that facts are asked for: the user's, then new ones."""
        return [*self.mine[: self.n_tracks], *self.new[: self.n_tracks]]

    def by_artist(self, things: Iterable[Thing]) -> Iterator[Thing]:
        """The dearest track of each artist, the artists that mean most first."""
        of: dict[str, list[Thing]] = defaultdict(list)
        for thing in things:
            of[thing.artist].append(thing)
        order = sorted(of.values(), key=lambda own: (-sum(t.weight for t in own), own[0].artist))
        yield from (own[0] for own in order if own[0].artist)

    def learn(self, row: Mapping[str, Any]) -> None:
        """Take a row of the lake's table `answers`."""
        source, kind = row[c.SOURCE], row[c.KIND]
        key, found = (source, kind, row[c.ASKED]), row[c.POSITION] >= 0
        told_at, before = self.asked.get(key, (row[c.TOLD_AT], False))
        again = told_at == row[c.TOLD_AT]
        self.asked[key] = (max(told_at, row[c.TOLD_AT]), found or (before and again))
        if not found:
            return
        subject = self.things.get(row[c.SUBJECT_REF])
        if kind in ("similar_track", "similar_artist", "recommended"):
            self._meet(row, 1.0 if subject is None else subject.weight)
        elif kind == "artists" and subject is not None:
            place, score = (source, row[c.ARTIST]), row[c.SCORE] or 0.0
            told = self.artists.get(place)
            if told is None or score * subject.weight > told[2] * told[0].weight:
                self.artists[place] = (subject, row[c.ARTIST_MBID] or "", score)
        elif subject is not None:
            # Genres are told of an artist, all else of a track.
            same = self._of_artist(subject.artist) if kind == "tags" else [subject]
            for thing in same:
                thing.has.update(row[c.FACTS] or ())
            subject.uri = subject.uri or row[c.SPOTIFY_URI]
            subject.mbid = subject.mbid or row[c.RECORDING_MBID]
            subject.isrc = subject.isrc or row[c.ISRC]
            subject.artist_mbid = subject.artist_mbid or row[c.ARTIST_MBID]

    def coverage(self) -> Coverage:
        """How much is known."""
        mine = [thing for thing in self.things.values() if thing.mine]
        total = sum(thing.plays for thing in mine) or 1
        shares = {
            name: sum(thing.plays for thing in mine if name in thing.has) / total for name in FACTS
        }
        return Coverage(shares, len(self.things) - len(mine))

    def _of_artist(self, artist: str) -> list[Thing]:
        return [thing for thing in self.things.values() if thing.artist == artist]

    def _meet(self, row: Mapping[str, Any], weight: float) -> None:
        ref, mbid = row[c.TRACK_REF], row[c.RECORDING_MBID]
        title, artist = row[c.TITLE] or "", row[c.ARTIST] or ""
        key = song_key(artist, title)
        thing = self.things.get(ref) or self._by_song.get(key)
        if thing is None:
            thing = self.things[ref] = self._by_song[key] = Thing(ref, title, artist, mbid=mbid)
        thing.mbid = thing.mbid or mbid
        if not thing.mine:
            thing.weight += (row[c.SCORE] or 0.0) * weight

    @staticmethod
    def _ordered(things: Iterable[Thing]) -> list[Thing]:
        return sorted(things, key=lambda thing: (-thing.weight, thing.ref))
