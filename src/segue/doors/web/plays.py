"""The list of plays as the page shows it: day by day, some rows at a time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from markupsafe import Markup

from segue.doors.web.pictures import glyph
from segue.doors.web.rows import length_of, tile_of
from segue.errors import NotReadyError, UnknownTrackError
from segue.flows.history import HeardThen, Histories, HistoryPage, Place
from segue.flows.online import Service, TrackCard

__all__ = ["Day", "PlayRow", "days_of_page", "place_in", "way_on"]


@dataclass(frozen=True, slots=True)
class PlayRow:
    """One play.

    Args:
        time: When it began, such as 21:14.
        what: How long it was heard, and whether it was skipped.
    """

    track_id: str
    title: str
    artists: str
    time: str
    what: str
    tile: Markup
    glyph: Markup


@dataclass(frozen=True, slots=True)
class Day:
    """The plays of a day; the title is empty where an earlier page has it already."""

    title: str
    rows: tuple[PlayRow, ...]


def days_of_page(
    page: HistoryPage, service: Service, histories: Histories, *, begun: str
) -> list[Day]:
    """The plays by day.

    Args:
        page: The latest first.
        service: Knows the tracks of the models.
        histories: Knows the names of all others.
        begun: The day with which the page before ended, in ISO 8601; empty: there is none.
    """
    cards = _cards({play.track_id for play in page.plays}, service, histories)
    days: list[tuple[date, list[PlayRow]]] = []
    for play in page.plays:
        day = play.played_at.date()
        if not days or days[-1][0] != day:
            days.append((day, []))
        days[-1][1].append(_row(play, cards[play.track_id]))
    return [
        Day("" if day.isoformat() == begun else f"{day:%A, %-d %B %Y}", tuple(rows))
        for day, rows in days
    ]


def way_on(page: HistoryPage) -> str:
    """The address of the next page; empty: there is none."""
    if page.following is None:
        return ""
    told = {
        "at": page.following.played_at.isoformat(),
        "play": page.following.play_id,
        "begun": page.plays[-1].played_at.date().isoformat(),
    }
    return f"/history/plays?{urlencode(told)}"


def place_in(at: str, play_id: str) -> Place | None:
    """The place that an address names; None: it names none."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return Place(moment, play_id) if moment.tzinfo is not None else None


def _row(play: HeardThen, card: TrackCard) -> PlayRow:
    return PlayRow(
        track_id=play.track_id,
        title=card.title or "Without a title",
        artists=", ".join(card.artists) or "Unknown",
        time=f"{play.played_at:%H:%M}",
        what=_what(play),
        tile=tile_of(card),
        glyph=Markup(glyph(card.audio_features)),  # noqa: S704 - our own drawing
    )


def _what(play: HeardThen) -> str:
    words = []
    if play.not_me:
        words.append("Not you")
    if play.skipped:
        words.append("Skipped")
        if play.ms_played is not None:
            words.append(f"after {length_of(play.ms_played)}")
    if not play.counted and not play.skipped:
        words.append("Too short to count")
    return " ".join(word for word in words if word)


def _cards(
    track_ids: Collection[str], service: Service, histories: Histories
) -> dict[str, TrackCard]:
    cards: dict[str, TrackCard] = {}
    unknown = []
    for track_id in track_ids:
        try:
            cards[track_id] = service.track(track_id)
        except (UnknownTrackError, NotReadyError):
            unknown.append(track_id)
    # heard since the models were trained, or before there are any
    names = histories.names(unknown) if unknown else {}
    return cards | {one: TrackCard(one, *names.get(one, ("", ()))) for one in unknown}
