"""Open services of music, as a data home asks them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

import segue
from segue.flows.json_services import json_service
from segue.flows.wiring import Wiring

if TYPE_CHECKING:
    from segue.services.json_service import JsonService

__all__ = ["USER_AGENT", "lastfm", "listenbrainz"]

USER_AGENT: Final = f"segue/{segue.__version__}"
_PATIENCE_S: Final = 90.0
_LASTFM_APART_S: Final = 0.25  # it allows five a second

Clock = Callable[[], datetime]
Pause = Callable[[float], None]


def lastfm(wiring: Wiring, clock: Clock, *, pause: Pause = time.sleep) -> JsonService:
    """Last.fm, with the key of the settings in every request."""
    from segue.services.lastfm import LASTFM, explained, hide_keys

    hide_keys()
    told = wiring.settings.lastfm
    key = "" if told.api_key is None else told.api_key.get_secret_value()
    return json_service(
        wiring,
        LASTFM,
        told.url,
        clock,
        section="lastfm",
        apart_s=_LASTFM_APART_S,
        query={"api_key": key, "format": "json"},
        explain=explained,
        headers={"User-Agent": USER_AGENT},
        patience_s=_PATIENCE_S,
        pause=pause,
    )


def listenbrainz(
    wiring: Wiring, clock: Clock, *, pause: Pause = time.sleep, url: str = ""
) -> JsonService:
    """ListenBrainz, with the token of the settings if there is one.

    Args:
        url: Of its laboratory, which counts as the same service and gets no token.
    """
    told = wiring.settings.listenbrainz
    headers = {"User-Agent": USER_AGENT}
    if told.token is not None and not url:
        headers["Authorization"] = f"Token {told.token.get_secret_value()}"
    return json_service(
        wiring,
        "ListenBrainz",
        url or told.url,
        clock,
        headers=headers,
        sign_in="Take a new token from https://listenbrainz.org/settings, or unset it.",
        patience_s=_PATIENCE_S,
        pause=pause,
    )
