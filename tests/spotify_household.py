"""Spotify as a data home uses it, in front of a fake one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from segue.fakes.spotify import FakeSpotify
from segue.flows.spotify.household import Household
from segue.flows.spotify.sign_in import begin, finish
from segue.secrets.base import Place
from segue.secrets.encrypted_file import EncryptedFile
from segue.services.state_file import StateFile
from tests.spotify_client import HTTP

__all__ = ["consent", "household", "signed_in"]


def household(
    spotify: FakeSpotify, home: Path, given: Mapping[str, str] | None = None, *, budget: int = 500
) -> Household:
    """The Spotify of a home; its clock is that of the service."""
    return Household(
        secrets=EncryptedFile(Place(home / "secrets")),
        state=StateFile(home / "services" / "services.sqlite"),
        main_user="ann",
        given={"SPOTIFY_CLIENT_ID": "the-app", **(given or {})},
        redirect_uri="http://127.0.0.1/callback",
        api_url=f"{spotify.url}/v1",
        accounts_url=spotify.url,
        budget=budget,
        clock=spotify.world.clock.now,
        open_http=lambda: HTTP,
        pause=lambda seconds: None,
    )


def consent(address: str, *, who: str = "") -> str:
    """Open the address as a browser does, and agree; where the browser is sent."""
    answer = HTTP.get(f"{address}&user={who}" if who else address, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


def signed_in(house: Household, user_id: str = "ann", *, who: str = "") -> Household:
    """The same, with somebody signed in."""
    attempt = begin(house, user_id)
    finish(house, user_id, attempt, consent(attempt.url(house.accounts_url), who=who))
    return house
