"""The services that can be asked about tracks, as a data home asks them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from segue.errors import ConfigError
from segue.flows.accounts import account_at
from segue.flows.enriching.lastfm import Lastfm
from segue.flows.enriching.listenbrainz import ListenBrainzFacts
from segue.flows.enriching.musicbrainz import MUSICBRAINZ, MusicBrainz
from segue.flows.enriching.questions import Service
from segue.flows.enriching.reccobeats import RECCOBEATS, ReccoBeats
from segue.flows.json_services import json_service
from segue.flows.open_sources import USER_AGENT, lastfm, listenbrainz
from segue.flows.wiring import Wiring
from segue.services.lastfm import LastfmService

__all__ = ["SOURCES", "open_service"]

SOURCES: Final = ("listenbrainz", "lastfm", "reccobeats", "musicbrainz")

_PATIENCE_S: Final = 90.0
_LASTFM_APART_S: Final = 0.25
_LISTENBRAINZ_APART_S: Final = 0.35  # it takes 30 in ten seconds
_RECCOBEATS_APART_S: Final = 0.5  # it does not say how many it takes
_MUSICBRAINZ_APART_S: Final = 1.1  # it takes one a second


def open_service(
    wiring: Wiring,
    name: str,
    clock: Callable[[], datetime],
    pause: Callable[[float], None],
    user_id: str,
) -> Service:
    """One of them.

    Raises:
        ConfigError: There is no such service, or a setting that it needs is not there.
    """
    told = wiring.settings
    if name == "listenbrainz":
        account = account_at(wiring, name, user_id)
        labs: Any = listenbrainz(wiring, clock, pause=pause, url=told.listenbrainz.labs_url)
        return ListenBrainzFacts(
            listenbrainz(wiring, clock, pause=pause, user_id=user_id),
            labs,
            user=account.name,
            user_id=user_id,
            token=bool(account.secret),
            apart_s=_LISTENBRAINZ_APART_S,
        )
    if name == "lastfm":
        if not account_at(wiring, name, user_id).secret:
            cure = "Get a key from https://www.last.fm/api/account/create and set LASTFM_API_KEY."
            raise ConfigError("lastfm.api_key is not set", field="lastfm.api_key", cure=cure)
        asks = lastfm(wiring, clock, pause=pause, user_id=user_id)
        return Lastfm(LastfmService(asks, "enrich"), _LASTFM_APART_S)
    if name == "reccobeats":
        asks = json_service(
            wiring,
            RECCOBEATS,
            told.reccobeats.url,
            clock,
            apart_s=_RECCOBEATS_APART_S,
            headers={"User-Agent": USER_AGENT},
            patience_s=_PATIENCE_S,
            pause=pause,
        )
        return ReccoBeats(asks, _RECCOBEATS_APART_S)
    if name == "musicbrainz":
        if told.musicbrainz.contact is None:
            raise ConfigError(
                "musicbrainz.contact is not set",
                field="musicbrainz.contact",
                cure="MusicBrainz wants a mail or web address of whoever asks: set"
                " SEGUE_MUSICBRAINZ__CONTACT.",
            )
        asks = json_service(
            wiring,
            MUSICBRAINZ,
            told.musicbrainz.url,
            clock,
            apart_s=_MUSICBRAINZ_APART_S,
            headers={"User-Agent": f"{USER_AGENT} ({told.musicbrainz.contact})"},
            patience_s=_PATIENCE_S,
            pause=pause,
        )
        return MusicBrainz(asks, _MUSICBRAINZ_APART_S)
    raise ConfigError(
        f"“{name}” cannot be asked about tracks",
        field="source",
        cure=f"Choose among: {', '.join(SOURCES)}.",
    )
