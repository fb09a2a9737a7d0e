"""POST /events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from segue.doors.http.call import Call, Reply, call_of
from segue.doors.http.event_desk import EventDesk, EventOutcomes
from segue.doors.http.lean_routes import LeanRoute, needs
from segue.doors.http.shapes import OUTCOMES, answers, event_body

__all__ = ["add_to"]


def add_to(router: APIRouter, desk: EventDesk, *, batch: int) -> None:
    """Register the routes."""

    async def report_events(call: Annotated[Call, Depends(call_of)]) -> Reply:
        """Report what happened while somebody listened: one event, or a batch.

        Each event is answered for itself. What is accepted is on the disk before the answer is
        sent; an event that was reported before is a duplicate, so a request whose answer got lost
        may be sent again.
        """
        return await desk.reply(call)

    router.add_api_route(
        "/events",
        report_events,
        methods=["POST"],
        route_class_override=LeanRoute,
        response_model=None,
        tags=["events"],
        operation_id="report_events",
        summary="Report events",
        responses=answers(EventOutcomes, OUTCOMES),
        openapi_extra={**needs("ingest"), "requestBody": event_body(batch)},
    )
