"""Signing in to Spotify: what is asked, what comes back, and how long it lasts."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from segue.errors import ConfigError, SignInError
from segue.services.spotify.accounts import Attempt, redirect_fault
from segue.services.spotify.tokens import ends_at


def test_the_address_to_sign_in_at_has_a_state_and_a_challenge() -> None:
    attempt = Attempt.new("id", "http://127.0.0.1:8123/callback")
    query = {k: v[0] for k, v in parse_qs(urlsplit(attempt.url("https://a.test")).query).items()}
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    assert base64.urlsafe_b64decode(query["code_challenge"] + "=") == digest
    assert query["code_challenge_method"] == "S256"
    assert len(attempt.verifier) >= 43
    assert query["state"] == attempt.state
    assert attempt.state not in repr(attempt)
    assert Attempt.new("id", "http://127.0.0.1/callback").state != attempt.state


@pytest.mark.parametrize(
    ("came_back", "fault"),
    [
        ("http://127.0.0.1/callback?code=c&state=STATE", ""),
        ("http://127.0.0.1/callback?code=c&state=other", "does not belong"),
        ("http://127.0.0.1/callback?code=c", "does not belong"),
        ("nonsense", "does not belong"),
        ("?error=access_denied&state=STATE", "you said no"),
        ("?error=server_error&state=STATE", "server_error"),
        ("?state=STATE", "no code"),
    ],
)
def test_only_the_answer_to_this_try_is_taken(came_back: str, fault: str) -> None:
    attempt = Attempt.new("id", "http://127.0.0.1/callback")
    text = came_back.replace("STATE", attempt.state)
    if not fault:
        assert attempt.code(text) == "c"
        return
    with pytest.raises(SignInError, match=fault):
        attempt.code(text)


@pytest.mark.parametrize(
    ("uri", "right"),
    [
        ("http://127.0.0.1:1234/x", True),
        ("http://[::1]:1234/x", True),
        ("https://home.example/callback", True),
        ("http://localhost:1234/x", False),
        ("http://192.168.0.7/x", False),
        ("http://[", False),
        ("urn:ietf:wg:oauth:2.0:oob", False),
    ],
)
def test_redirects_keep_to_the_rules_of_2025(uri: str, right: bool) -> None:
    assert (redirect_fault(uri) == "") is right
    if not right:
        with pytest.raises(ConfigError, match="sends nobody back"):
            Attempt.new("id", uri)


@pytest.mark.parametrize(
    ("begun", "ends"),
    [("2026-06-18", "2026-12-18"), ("2026-08-31", "2027-02-28"), ("2026-07-05", "2027-01-05")],
)
def test_a_sign_in_lasts_six_months_by_the_calendar(begun: str, ends: str) -> None:
    start = datetime.fromisoformat(begun).replace(tzinfo=UTC)
    assert ends_at(start).date().isoformat() == ends
