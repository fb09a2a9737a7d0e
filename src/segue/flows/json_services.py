"""Small services that speak JSON, as a data home asks them: one queue and one budget each."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from segue.flows.wiring import Wiring

if TYPE_CHECKING:
    import httpx2

    from segue.services.json_service import JsonService

__all__ = ["json_service"]


def json_service(
    wiring: Wiring,
    name: str,
    url: str,
    clock: Callable[[], datetime],
    *,
    section: str = "",
    apart_s: float = 0.0,
    **more: Any,
) -> JsonService:
    """One service.

    Args:
        name: For people; its queue has the same name.
        clock: The time, aware UTC.
        section: Its section of the settings, which says how many requests a day; default: its name.
        apart_s: Seconds between the starts of two requests.
        more: See `JsonService`.
    """
    from segue.services.json_service import JsonService
    from segue.services.request_queue import RequestQueue

    section = section or name.lower()
    queue = RequestQueue(
        wiring.services,
        name,
        budget=wiring.settings.section(section)["requests_per_day"],
        setting=f"{section}.requests_per_day",
        clock=clock,
        apart_s=apart_s,
    )
    return JsonService(name, url, _http(), queue=queue, clock=clock, **more)


@cache
def _http() -> httpx2.Client:
    """One client for all of them: making one takes longer than a request."""
    from segue.services.spotify.client import open_http

    client = open_http()
    atexit.register(client.close)
    return client
