"""Tracks as the page shows them: always the same row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from segue.doors.web.pictures import glyph, tile
from segue.errors import UnknownTrackError
from segue.flows.online import Service, TrackCard
from segue.music.playlist import PlaylistTrack

__all__ = ["GONE", "Row", "length_of", "row_of", "rows_of", "tile_of"]

VERBS: Final = (
    ("like", "Like", "Like"),
    ("less", "Less of this", "Less"),
    ("known", "I know it", "Know it"),
    ("hide", "Hide", "Hide"),
    ("not_me", "That was not me", "Not me"),
)
"""What can be said of a track: the word that is kept, the same in full, and in short."""

GONE: Final[Mapping[str, str]] = {
    "less": "Less like “{}” from now on.",
    "known": "You know “{}”: it is no discovery any more.",
    "hide": "“{}” stays away from now on.",
    "not_me": "Plays of “{}” count no more for your taste.",
}
"""Words after which a track leaves the list, and what stands in its place."""


@dataclass(frozen=True, slots=True)
class Row:
    """A track in a list.

    Args:
        reason: Why it is there, in one line.
        time: Its length, such as 3:41; empty: unknown.
        tile: The cover, as HTML.
        glyph: Energy and mood, as HTML.
        said: What its listener said of it; empty: nothing.
        gone: What stands in its place; empty: it is there.
        verbs: word, label, short label, and whether it has been said.
    """

    track_id: str
    title: str
    artists: str
    reason: str
    time: str
    tile: Markup
    glyph: Markup
    recommendation_id: str = ""
    said: str = ""
    gone: str = ""

    @property
    def verbs(self) -> tuple[tuple[str, str, str, bool], ...]:
        """What can be said of it."""
        return tuple((verb, label, word, verb == self.said) for verb, label, word in VERBS)


def rows_of(
    tracks: Iterable[PlaylistTrack],
    service: Service,
    said: Mapping[str, str],
    *,
    recommendation_id: str = "",
) -> list[Row]:
    """Rows for the tracks of an answer.

    Args:
        said: What the listener said of tracks.
        recommendation_id: Of the answer, so that what is said of them counts for it.
    """
    return [
        row_of(
            _card(track, service),
            reason=track.reason,
            said=said.get(track.track_id, ""),
            recommendation_id=recommendation_id,
        )
        for track in tracks
    ]


def row_of(
    card: TrackCard, *, reason: str, said: str = "", recommendation_id: str = "", gone: str = ""
) -> Row:
    """The row of one track."""
    return Row(
        track_id=card.track_id,
        title=card.title or "Without a title",
        artists=", ".join(card.artists) or "Unknown",
        reason=f"{reason[:1].upper()}{reason[1:]}",
        time=length_of(card.duration_ms),
        tile=tile_of(card),
        glyph=Markup(glyph(card.audio_features)),  # noqa: S704 - our own drawing
        recommendation_id=recommendation_id,
        said=said,
        gone=gone,
    )


def tile_of(card: TrackCard) -> Markup:
    """The cover of a track; of unknown sound, by its artist."""
    key = card.track_id if card.audio_features else (card.artists or (card.track_id,))[0]
    return Markup(tile(card.audio_features, key=key))  # noqa: S704 - our own drawing


def length_of(duration_ms: int | None) -> str:
    """Minutes and seconds.

    >>> length_of(221_400)
    '3:41'
    """
    if duration_ms is None:
        return ""
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    return f"{minutes}:{seconds:02}"


def _card(track: PlaylistTrack, service: Service) -> TrackCard:
    """What is known of a track; between an answer and newer models it may be gone."""
    try:
        return service.track(track.track_id)
    except UnknownTrackError:
        return TrackCard(track.track_id, track.title, track.artists, duration_ms=track.duration_ms)
