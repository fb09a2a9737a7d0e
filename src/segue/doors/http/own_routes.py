"""The service about itself: health, numbers, version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

import segue
from segue.doors.http.as_json import as_json
from segue.doors.http.lean_routes import needs
from segue.doors.http.shapes import Live, Version, answers
from segue.flows.online import Health, Service

__all__ = ["add_to"]


def add_to(
    router: APIRouter,
    service: Service,
    *,
    home: str,
    exposition: Callable[[], bytes],
    description: Callable[[], dict[str, Any]],
) -> None:
    """Register the routes.

    Args:
        home: The folder that is not named to strangers.
        exposition: Numbers as text.
        description: The OpenAPI document.
    """

    def live() -> Response:
        """The process answers."""
        return as_json(Live())

    def ready() -> Response:
        """Whether recommendations can be made, and what with; 503 while they cannot."""
        health = service.health()
        trouble = tuple(told.replace(home, "the data home") for told in health.trouble)
        return as_json(replace(health, trouble=trouble), 200 if health.ready else 503)

    def metrics() -> Response:
        """Numbers for Prometheus. Any key may ask that is not of one user alone."""
        return Response(exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    def openapi() -> Response:
        """The description of the service."""
        return as_json(description())

    def version() -> Response:
        """What is running."""
        return as_json(Version("segue", segue.__version__))

    about: dict[str, Any] = {"methods": ["GET"], "response_model": None, "tags": ["service"]}
    router.add_api_route(
        "/health/live",
        live,
        operation_id="live",
        summary="Whether the process answers",
        responses=answers(Live),
        **about,
    )
    router.add_api_route(
        "/health/ready",
        ready,
        operation_id="ready",
        summary="Whether it can recommend",
        responses={
            **answers(Health),
            503: {**answers(Health)[200], "description": "Nothing can be recommended yet."},
        },
        **about,
    )
    router.add_api_route(
        "/metrics",
        metrics,
        operation_id="metrics",
        summary="Numbers for Prometheus",
        responses={
            200: {
                "description": "Text as Prometheus reads it.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            }
        },
        openapi_extra=needs(None),
        **about,
    )
    router.add_api_route("/openapi.json", openapi, include_in_schema=False, **about)
    router.add_api_route(
        "/version",
        version,
        operation_id="version",
        summary="What is running",
        responses=answers(Version),
        **about,
    )
