"""Recommendations: for a user, for whoever listened to this, and for a song."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query
from starlette.responses import Response

from segue.doors.http.asked import AdHoc, AskedForUser, ForSong
from segue.doors.http.call import Call, Reply, call_of
from segue.doors.http.lean_routes import LeanRoute, needs
from segue.doors.http.recommendation_desk import RecommendationDesk
from segue.doors.http.shapes import LIST, Recommendations, answers
from segue.flows.online import Service

__all__ = ["add_to"]

_ANSWERS: dict[int | str, dict[str, Any]] = answers(Recommendations, LIST)
_AD_HOC = {
    "tracks": [
        {"track_id": "spotify:track:6rqhFgbbKwnb9MLmUQDhG6", "plays": 12, "liked": True},
        {"track_id": "t0f3a5c81b2d94e67"},
    ],
    "k": 10,
    "years": "1990-",
}


def add_to(router: APIRouter, desk: RecommendationDesk, service: Service) -> None:
    """Register the routes."""

    async def recommend(call: Annotated[Call, Depends(call_of)]) -> Reply:
        """What to play next, for a user.

        It knows every event that was reported before. Somebody unknown gets what a stranger
        would, and another answer after their first event. The same answer comes again, with the
        same `recommendation_id`, until something changes.

        When too many ask at once it may be an earlier or a quick one, which `made` says; what is
        asked holds all the same, and soon afterwards there is a full one.
        """
        return await desk.reply(call)

    def recommend_ad_hoc(
        asked: Annotated[AdHoc, Body(openapi_examples={"": {"value": _AD_HOC}})],
    ) -> Response:
        """What to play for somebody who is known by a list of tracks alone.

        Nothing is stored. Tracks that are not known here are named in the notes.
        """
        answer = service.recommend_for(asked.listened, asked.wishes())
        return Response(answer.body, media_type="application/json")

    def recommend_for_song(
        track_id: Annotated[str, Path(min_length=1, max_length=1_000)],
        asked: Annotated[ForSong, Query()],
    ) -> Response:
        """Tracks like one."""
        answer = service.similar(track_id, asked.wishes())
        return Response(answer.body, media_type="application/json")

    router.add_api_route(
        "/recommendations",
        recommend,
        methods=["GET"],
        route_class_override=LeanRoute,
        dependencies=[Depends(_for_user)],
        operation_id="recommend",
        summary="Recommend to a user",
        **_about(),
    )
    router.add_api_route(
        "/recommend/user/",
        recommend_ad_hoc,
        methods=["POST"],
        operation_id="recommend_ad_hoc",
        summary="Recommend to whoever listened to this",
        **_about(),
    )
    router.add_api_route(
        "/recommend/song/{track_id:path}",
        recommend_for_song,
        methods=["GET"],
        operation_id="recommend_for_song",
        summary="Recommend tracks like one",
        **_about(),
    )


def _about() -> dict[str, Any]:
    return {
        "response_model": None,
        "tags": ["recommendations"],
        "responses": _ANSWERS,
        "openapi_extra": needs("recommend"),
    }


def _for_user(asked: Annotated[AskedForUser, Query()]) -> None:
    """The parameters of a lean route, for its documentation."""
