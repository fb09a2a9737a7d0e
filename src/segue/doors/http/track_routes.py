"""Tracks: found by name, or told by id."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from segue.doors.http.as_json import as_json
from segue.doors.http.asked import Search
from segue.doors.http.lean_routes import needs
from segue.doors.http.shapes import FoundTracks, answers
from segue.flows.online import Service, TrackCard

__all__ = ["add_to"]


def add_to(router: APIRouter, service: Service) -> None:
    """Register the routes."""

    def search_tracks(asked: Annotated[Search, Query()]) -> Response:
        """Find tracks by title and artist, as somebody types them."""
        return as_json(FoundTracks(service.search(asked.q, asked.limit)))

    def get_track(track_id: Annotated[str, Path(min_length=1, max_length=1_000)]) -> Response:
        """All that is known of a track."""
        return as_json(service.track(track_id))

    about: dict[str, Any] = {
        "methods": ["GET"],
        "response_model": None,
        "tags": ["tracks"],
        "openapi_extra": needs("recommend"),
    }
    router.add_api_route(
        "/tracks/search",
        search_tracks,
        operation_id="search_tracks",
        summary="Search tracks",
        responses=answers(FoundTracks),
        **about,
    )
    router.add_api_route(
        "/tracks/{track_id:path}",
        get_track,
        operation_id="get_track",
        summary="A track",
        responses=answers(TrackCard),
        **about,
    )
