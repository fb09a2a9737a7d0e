"""Open services of music, as a data home asks them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

import segue
from segue.flows.accounts import account_at
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


def lastfm(
    wiring: Wiring, clock: Clock, *, pause: Pause = time.sleep, user_id: str = ""
) -> JsonService:
    """Last.fm, with a key in every request: the user's, else that of the settings."""
    from segue.services.lastfm import LASTFM, explained, hide_keys

    hide_keys()
    told = wiring.settings.lastfm
    key = account_at(wiring, "lastfm", user_id or wiring.settings.user_id).secret
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
    wiring: Wiring,
    clock: Clock,
    *,
    pause: Pause = time.sleep,
    url: str = "",
    user_id: str = "",
) -> JsonService:
    """ListenBrainz, with a token if there is one.

    Args:
        url: Of its laboratory, which counts as the same service and gets no token.
        user_id: Whose token; empty: that of the settings' user.
    """
    told = wiring.settings.listenbrainz
    headers = {"User-Agent": USER_AGENT}
    token = account_at(wiring, "listenbrainz", user_id or wiring.settings.user_id).secret
    if token and not url:
        headers["Authorization"] = f"Token {token}"
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
