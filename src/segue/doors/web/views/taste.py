"""Map: a taste as a picture to wander in, and what to play next from any place of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup

from segue.doors.web.ask import Answer, Ask, Download, View
from segue.doors.web.pages import Nav, Pages
from segue.doors.web.rows import Row, rows_of
from segue.doors.web.trouble import Trouble
from segue.errors import NotReadyError, UnknownTrackError
from segue.flows.taste_map import COLOURED, Label, TasteMap
from segue.flows.taste_maps import Drawing, TasteMaps
from segue.flows.wishes import Wishes
from segue.music.mood_colours import hex_of, mood_colour

__all__ = ["add_to"]

_SIZE: Final = 15
_LISTED: Final = 40
_MOODS: Final = (
    ("quiet and sad", 0.2, 0.15),
    ("quiet and happy", 0.25, 0.75),
    ("between", 0.55, 0.46),
    ("loud and sad", 0.85, 0.15),
    ("loud and happy", 0.85, 0.8),
)


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the map, for those who read it as a list.

    Args:
        name: Its genre.
        words: How much is there.
        artists: Names of artists nearby.
        address: What to play next from there.
    """

    name: str
    words: str
    artists: str
    address: str


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    maps = TasteMaps()
    pages.get("/map", partial(_map, maps), nav=Nav("Map", "map", "look", 20))
    pages.get("/map/points", partial(_points, maps))
    pages.get("/map/names", partial(_names, maps))


def _map(maps: TasteMaps, ask: Ask) -> Answer:
    """The page, its map once it is drawn, or what to play from a place."""
    place = _place(ask)
    told: dict[str, Any] = {"title": "Map", "place": place, "spot": None}
    try:
        found = maps.get(ask.house.service.opened, ask.who.user_id)
    except NotReadyError as error:
        words = {"title": "Map", "words": f"{error.message[:1].upper()}{error.message[1:]}."}
        return View("map_empty.html", words)
    if isinstance(found, Drawing):
        address = "/map" if place is None else _address(*place)
        return View("map.html", {**told, "drawing": round(100 * found.part), "from_": address})
    if ask.fragment == "spot":
        if place is None:
            raise Trouble(422, "That is no place on the map", "Choose one with the mouse.")
        title, rows = _spot(found, ask, place)
        told |= {"drawing": None, "spot": {"title": title, "rows": rows}}
        return View("map.html", told, say=f"{title}: {len(rows)} tracks")
    told |= {
        "drawing": None,
        "heard": f"{found.heard:,}",
        "near": f"{len(found.track_ids) - found.heard:,}",
        "genres": found.genres[:COLOURED],
        "has_others": len(found.genres) > COLOURED,
        "moods": _mood_dots(),
        "regions": list(_regions(found)),
        "spot_address": "" if place is None else _address(*place),
    }
    return View("map.html", told, say="The map is drawn" if ask.fragment else "")


def _points(maps: TasteMaps, ask: Ask) -> Answer:
    return Download(_drawn(maps, ask).file, "application/octet-stream")


def _names(maps: TasteMaps, ask: Ask) -> Answer:
    """Title and artist of each point, in their order."""
    opened = ask.house.service.opened
    names = _drawn(maps, ask).names(opened.bundle.catalogue)
    return Download(json.dumps(names, ensure_ascii=False).encode(), "application/json")


def _drawn(maps: TasteMaps, ask: Ask) -> TasteMap:
    found = maps.get(ask.house.service.opened, ask.who.user_id)
    if isinstance(found, Drawing):
        raise Trouble(409, "The map is not drawn yet", "Wait a moment.")
    return found


def _place(ask: Ask) -> tuple[float, float] | None:
    try:
        x, y = float(ask.one("x", "nan")), float(ask.one("y", "nan"))
    except ValueError:
        return None
    if not (math.isfinite(x) and math.isfinite(y)):
        return None
    return min(1.0, max(0.0, x)), min(1.0, max(0.0, y))


def _address(x: float, y: float) -> str:
    return f"/map?{urlencode({'x': f'{x:.4f}', 'y': f'{y:.4f}'})}"


def _spot(found: TasteMap, ask: Ask, place: tuple[float, float]) -> tuple[str, list[Row]]:
    """What to play next from a place: the tracks nearest to it are where the answer starts."""
    service, spot = ask.house.service, found.spot(*place)
    told = ask.house.settings.recommend
    wishes = Wishes(
        mix="similar",
        size=_SIZE,
        seeds=spot.track_ids,
        per_artist=told.per_artist,
        recent_hours=told.recent_hours,
    )
    try:
        answer = service.recommendations(ask.who.user_id, wishes)
    except UnknownTrackError as error:
        raise Trouble(409, "The map has changed", "Load the page again.") from error
    said = service.said(ask.who.user_id)
    rows = rows_of(answer.tracks, service, said, recommendation_id=answer.recommendation_id)
    card = service.track(spot.track_ids[0])
    near = f"near “{card.title}” by {', '.join(card.artists)}" if card.artists else "from here"
    return (f"{spot.genre.capitalize()}, {near}" if spot.genre else near.capitalize()), rows


def _mood_dots() -> list[tuple[str, Markup]]:
    return [(words, _dot(hex_of(mood_colour(*pair)))) for words, *pair in _MOODS]


def _dot(colour: str) -> Markup:
    circle = f'<circle cx="6" cy="6" r="6" fill="{colour}"/>'
    drawn = f'<svg viewBox="0 0 12 12" aria-hidden="true">{circle}</svg>'
    return Markup(drawn)  # noqa: S704 - our own drawing


def _regions(found: TasteMap) -> Iterator[Region]:
    artists = [label for label in found.labels if label.kind == "artist"]
    genres = [label for label in found.labels if label.kind == "genre"]
    for label in sorted(genres, key=lambda one: (-one.plays, -one.tracks))[:_LISTED]:
        close = sorted(artists, key=lambda one: _apart(one, label))[:3]
        words = f"{label.tracks:,} tracks, {label.plays:,} plays"
        names = ", ".join(one.name for one in close)
        yield Region(label.name.capitalize(), words, names, _address(label.x, label.y))


def _apart(one: Label, other: Label) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)
