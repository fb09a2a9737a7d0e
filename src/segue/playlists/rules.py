"""Which filters every track of a part must pass: the listener's, the mix's and the asked-for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from segue.music.query import Filters
from segue.playlists.facts import Facts
from segue.playlists.filters import (
    Filter,
    FromYears,
    InTempo,
    LovedOnce,
    NotRecent,
    OfGenres,
    OnlyTracks,
    WithoutArtists,
    WithoutSongs,
    WithoutTracks,
)
from segue.playlists.listener import Listener
from segue.playlists.mixes import Part

__all__ = ["KNOWN", "UNWANTED", "Rules", "forgotten_since"]

KNOWN: Final = "being known to you"
"""The label of the rule that keeps known tracks out of discoveries."""
UNWANTED: Final = "being a song you hid or wanted less of"
"""The label of the rule about other recordings of unwanted tracks."""
_FORGOTTEN: Final = timedelta(days=60)
_AT_LEAST: Final = timedelta(days=7)
_SHARE_OF_HISTORY: Final = 6


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one playlist; a part of it adds its own.

    Args:
        asked: The bounds asked for, genres as typed.
        seeds: Tracks that the playlist starts from.
        now: The moment of the playlist, aware UTC.
        recent_hours: A track played within this many hours is left out.
    """

    facts: Facts = field(repr=False)
    listener: Listener = field(repr=False)
    asked: Filters
    seeds: frozenset[str]
    now: datetime
    recent_hours: float = 8

    def of(self, part: Part, songs: Filter | None = None) -> list[Filter]:
        """The filters of a part, cheap ones first.

        Args:
            songs: Leaves out the songs that the listener knows, where known tracks are out.
        """
        listener = self.listener
        excluded = self.asked.exclude_tracks | listener.banned_tracks | listener.resting
        if part.mix in ("discover", "similar"):
            excluded |= self.seeds
        rules: list[Filter] = [WithoutTracks(excluded)]
        if listener.unwanted_songs:
            rules.append(WithoutSongs(self.facts, listener.unwanted_songs, UNWANTED))
        if part.known == "out":
            rules.append(WithoutTracks(listener.known, KNOWN))
            rules += [songs] if songs else []
        elif part.known == "only":
            rules += [OnlyTracks(listener.known)]
        if part.loved:
            rules += [LovedOnce(listener.heard, listener.kept | listener.liked)]
        rules += self._not_recent(part)
        rules += self._asked_for()
        return rules

    def excluded(self, part: Part) -> frozenset[str]:
        """Tracks that a recommender need not look at."""
        listener = self.listener
        others = self.asked.exclude_tracks | listener.banned_tracks | listener.resting
        if part.known != "out":
            return others
        # the same set where it is the same: whoever looked its rows up need not do so again
        return listener.known | others if others - listener.known else listener.known

    def unheard(self) -> frozenset[str]:
        """The same for discoveries, without what is in the history that recommenders see."""
        listener = self.listener
        others = self.asked.exclude_tracks | listener.banned_tracks | listener.resting
        return others | listener.kept | listener.spoken_of

    def _not_recent(self, part: Part) -> list[Filter]:
        heard = self.listener.heard
        if part.loved:
            since, days = forgotten_since(self.listener, self.now)
            label = f"being played in the last {days} days"
            return [NotRecent(heard, since, label)]
        recent = self.now - timedelta(hours=self.recent_hours)
        label = f"being played in the last {self.recent_hours:g} hours"
        return [NotRecent(heard, recent, label)] if self.recent_hours else []

    def _asked_for(self) -> list[Filter]:
        asked, rules = self.asked, list[Filter]()
        artists = asked.exclude_artists | self.listener.banned_artists
        if artists:
            rules.append(WithoutArtists(self.facts, artists))
        if asked.genres:
            rules.append(OfGenres(self.facts, asked.genres))
        if asked.years:
            rules.append(FromYears(self.facts, *asked.years))
        if asked.tempo:
            rules.append(InTempo(self.facts, *asked.tempo))
        return rules


def forgotten_since(listener: Listener, now: datetime) -> tuple[datetime, int]:
    """What was last played before this moment is forgotten; and the same in whole days.

    60 days, or a sixth of a history of less than a year, but a week at least: after two months of
    listening, ten days without a favourite are long.
    """
    span = now - listener.first_at if listener.first_at else timedelta()
    days = min(_FORGOTTEN, max(_AT_LEAST, span / _SHARE_OF_HISTORY)).days
    return now - timedelta(days=days), days
