"""A plain client of the Web API, none of Segue's, for tests of the fake Spotify."""

from __future__ import annotations

import atexit
import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from segue.fakes.spotify import SCOPES, App, FakeSpotify, User

__all__ = [
    "HTTP",
    "REDIRECT",
    "VERIFIER",
    "SpotifyClient",
    "challenge_of",
    "redirected",
    "sign_in_query",
]

HTTP = httpx2.Client(verify=False)  # one for all: making one takes longer than a request
atexit.register(HTTP.close)
VERIFIER = "a-verifier-of-at-least-forty-three-letters-and-digits"
REDIRECT = "http://127.0.0.1:8765/callback"


def challenge_of(verifier: str) -> str:
    """What PKCE shows first."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def sign_in_query(app: App, **more: str) -> dict[str, str]:
    """The parameters of /authorize."""
    return {
        "client_id": app.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": " ".join(sorted(SCOPES)),
        "state": "abc",
        "code_challenge_method": "S256",
        "code_challenge": challenge_of(VERIFIER),
        **more,
    }


@dataclass
class SpotifyClient:
    """One user's access."""

    spotify: FakeSpotify
    token: str

    @classmethod
    def of(cls, spotify: FakeSpotify, app: App, user: User, *scopes: str) -> SpotifyClient:
        """Access as if just granted; without scopes: with all of them."""
        return cls(spotify, spotify.world.sign_in(app, user, scopes or SCOPES))

    def ask(self, method: str, path: str, json: Any = None, **query: Any) -> httpx2.Response:
        """Any request below /v1."""
        return HTTP.request(
            method,
            f"{self.spotify.url}/v1{path}",
            params=query,
            json=json,
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def get(self, path: str, **query: Any) -> Any:
        """What a GET answers, which must succeed."""
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fails(self, method: str, path: str, json: Any = None, **query: Any) -> tuple[int, str]:
        """Status and message of a request that is refused."""
        told = self.ask(method, path, json, **query).json()["error"]
        return told["status"], told["message"]


def redirected(answer: httpx2.Response) -> dict[str, str]:
    """What a redirect carries."""
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))
