"""The fake Spotify's accounts service: who is let in, and for how long."""

from __future__ import annotations

import base64

import httpx2
import pytest

from segue.fakes.spotify import FakeSpotify
from tests.fake_spotify import the_app, the_user
from tests.spotify_client import HTTP, REDIRECT, VERIFIER, SpotifyClient, redirected, sign_in_query


def _authorize(spotify: FakeSpotify, **more: str) -> httpx2.Response:
    query = sign_in_query(the_app(spotify), **more)
    return HTTP.get(f"{spotify.url}/authorize", params=query)


def _token(spotify: FakeSpotify, auth: tuple[str, str] = ("", ""), **form: str) -> httpx2.Response:
    return HTTP.post(f"{spotify.url}/api/token", data=form, headers=_basic(*auth))


def _basic(name: str, secret: str) -> dict[str, str]:
    shown = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {shown}"} if name else {}


def _exchange(spotify: FakeSpotify, code: str, verifier: str = VERIFIER) -> httpx2.Response:
    return _token(
        spotify,
        grant_type="authorization_code",
        code=code,
        redirect_uri=REDIRECT,
        client_id="the-app",
        code_verifier=verifier,
    )


def _refresh(spotify: FakeSpotify, token: str) -> httpx2.Response:
    return _token(spotify, grant_type="refresh_token", refresh_token=token, client_id="the-app")


def _error(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_a_user_signs_in_with_pkce_and_the_state_comes_back(spotify: FakeSpotify) -> None:
    told = redirected(_authorize(spotify))
    assert told["state"] == "abc"
    tokens = _exchange(spotify, told["code"]).json()
    assert tokens["expires_in"] == 3600
    assert "user-read-recently-played" in tokens["scope"].split()
    assert SpotifyClient(spotify, tokens["access_token"]).get("/me")["id"] == "alice"


def test_a_code_is_good_once_and_only_with_its_verifier(spotify: FakeSpotify) -> None:
    code = redirected(_authorize(spotify))["code"]
    assert _error(_exchange(spotify, code, "x" * 43)) == (400, "invalid_grant")
    code = redirected(_authorize(spotify))["code"]
    assert _exchange(spotify, code).status_code == 200
    assert _error(_exchange(spotify, code)) == (400, "invalid_grant")


def test_a_code_is_good_for_ten_minutes(spotify: FakeSpotify) -> None:
    code = redirected(_authorize(spotify))["code"]
    spotify.world.clock.advance(seconds=601)
    assert _error(_exchange(spotify, code)) == (400, "invalid_grant")


def test_a_user_may_say_no(spotify: FakeSpotify) -> None:
    the_user(spotify).consents = False
    assert redirected(_authorize(spotify)) == {"error": "access_denied", "state": "abc"}


@pytest.mark.parametrize(
    ("target", "registered", "fine"),
    [
        ("http://127.0.0.1:5000/callback", "http://127.0.0.1/callback", True),
        ("http://[::1]:5000/callback", "http://[::1]/callback", True),
        ("http://127.0.0.1:5000/callback", "http://127.0.0.1:5000/callback", True),
        ("http://127.0.0.1:5001/callback", "http://127.0.0.1:5000/callback", False),
        ("http://127.0.0.1:5000/other", "http://127.0.0.1/callback", False),
        ("http://localhost:5000/callback", "http://localhost:5000/callback", False),
        ("http://192.168.1.2/callback", "http://192.168.1.2/callback", False),
        ("https://example.org/callback", "https://example.org/callback", True),
        ("https://example.org:99/callback", "https://example.org/callback", False),
    ],
)
def test_only_some_addresses_are_redirected_to(
    spotify: FakeSpotify, target: str, registered: str, fine: bool
) -> None:
    the_app(spotify).redirect_uris = [registered]
    answer = _authorize(spotify, redirect_uri=target)
    assert answer.status_code == (302 if fine else 400), answer.text


def test_the_implicit_grant_and_plain_challenges_are_gone(spotify: FakeSpotify) -> None:
    assert redirected(_authorize(spotify, response_type="token"))["error"].startswith("unsupported")
    assert _authorize(spotify, code_challenge_method="plain").status_code == 400
    assert _authorize(spotify, client_id="nobody").status_code == 400
    assert _authorize(spotify, scope="read-everything").status_code == 400


def test_an_access_token_ends_after_an_hour(spotify: FakeSpotify) -> None:
    client = SpotifyClient.of(spotify, the_app(spotify), the_user(spotify))
    spotify.world.clock.advance(seconds=3590)
    client.get("/me")
    spotify.world.clock.advance(seconds=11)
    assert client.fails("GET", "/me") == (401, "The access token expired")
    client.token = "nonsense"
    assert client.fails("GET", "/me") == (401, "Invalid access token")


def test_a_refresh_token_rotates_and_the_old_one_is_dead(spotify: FakeSpotify) -> None:
    first = spotify.world.grant(the_app(spotify), the_user(spotify))
    told = _refresh(spotify, first).json()
    assert told["refresh_token"] != first
    assert _error(_refresh(spotify, first)) == (400, "invalid_grant")
    assert _refresh(spotify, told["refresh_token"]).status_code == 200


def test_refreshing_does_not_put_off_the_end_after_six_months(spotify: FakeSpotify) -> None:
    spotify.world.rules.rotates = "never"
    token = spotify.world.grant(the_app(spotify), the_user(spotify))
    for _ in range(5):
        spotify.world.clock.advance(days=30)
        told = _refresh(spotify, token).json()
        assert "refresh_token" not in told
    spotify.world.clock.advance(days=35)
    assert _error(_refresh(spotify, token)) == (400, "invalid_grant")


def test_with_a_client_secret_no_verifier_is_needed(spotify: FakeSpotify) -> None:
    app = the_app(spotify)
    query = sign_in_query(app)
    del query["code_challenge"], query["code_challenge_method"]
    code = redirected(HTTP.get(f"{spotify.url}/authorize", params=query))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    auth = (app.client_id, app.client_secret)
    tokens = _token(spotify, auth, **form).json()
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert "access_token" in _token(spotify, auth, **again).json()
    assert _error(_token(spotify, client_id=app.client_id, **again)) == (400, "invalid_client")
    assert _error(_token(spotify, (app.client_id, "wrong"), **again)) == (400, "invalid_client")


def test_a_user_takes_back_what_they_granted(spotify: FakeSpotify) -> None:
    app, user = the_app(spotify), the_user(spotify)
    token, client = spotify.world.grant(app, user), SpotifyClient.of(spotify, app, user)
    spotify.world.revoke(app, user)
    assert _error(_refresh(spotify, token)) == (400, "invalid_grant")
    assert client.fails("GET", "/me")[0] == 401


def test_in_development_mode_only_named_users_get_in(spotify: FakeSpotify) -> None:
    app, other = the_app(spotify), spotify.world.add_user("bob")
    client = SpotifyClient.of(spotify, app, other)
    assert client.ask("GET", "/me").status_code == 403
    app.allowed.append("bob")
    assert client.get("/me")["account_id"] == "account-bob"
    the_user(spotify).premium = False
    assert client.ask("GET", "/me").status_code == 403


def test_a_person_may_be_asked(spotify: FakeSpotify) -> None:
    spotify.world.rules.asks = True
    page = _authorize(spotify)
    assert page.status_code == 200
    assert "user-top-read" in page.text
    query = sign_in_query(the_app(spotify), answer="agree", user="alice")
    assert redirected(HTTP.post(f"{spotify.url}/authorize", data=query))["code"]
