"""Signing in at Spotify: what is kept, for how long, and what is refused."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from segue.errors import BlockedError, ConfigError, ServiceError, SignInError
from segue.fakes.spotify import FakeSpotify, Fault
from segue.flows.spotify.household import Household
from segue.flows.spotify.sign_in import begin, finish, sign_ins, sign_out
from segue.services.spotify.accounts import SCOPES, Attempt
from segue.services.spotify.loopback import Loopback, can_listen_for
from tests.fake_spotify import the_app, the_user
from tests.spotify_client import HTTP
from tests.spotify_household import consent, household, signed_in


@pytest.fixture
def house(spotify: FakeSpotify, tmp_path: Path) -> Household:
    spotify.world.clock.freeze(datetime(2026, 11, 20, 12, tzinfo=UTC))
    return household(spotify, tmp_path)


def test_a_sign_in_is_kept_with_who_it_is_and_how_long_it_lasts(house: Household) -> None:
    attempt = begin(house, "ann")
    done = finish(house, "ann", attempt, consent(attempt.url(house.accounts_url)))
    assert (done.name, done.facts.account, done.missing) == ("Alice", "account-alice", ())
    assert done.facts.expires_at == datetime(2027, 5, 20, 12, tzinfo=UTC)
    assert sorted(done.facts.scopes) == sorted(SCOPES)
    assert [one.user_id for one in sign_ins(house)] == ["ann"]
    kept = house.place("ann").read()
    assert kept["spotify_client_id"] == "the-app"
    assert kept["flow"] == "pkce"
    assert house.api("ann", "poll").me().user == "alice"
    assert house.usage.by_purpose == {"poll": 1, "sign_in": 1}


def test_tokens_are_refreshed_and_rotated_while_the_sign_in_lasts(
    house: Household, spotify: FakeSpotify
) -> None:
    signed_in(house)
    first = dict(house.place("ann").read())
    spotify.world.clock.advance(days=1)
    house.api("ann", "poll").me()
    second = house.place("ann").read()
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]  # PKCE rotates it
    assert second["authorised_at"] == first["authorised_at"]


def test_no_token_or_code_is_in_any_log(
    house: Household, spotify: FakeSpotify, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    attempt = begin(house, "ann")
    came_back = attempt.redirect_uri + "?" + consent(attempt.url(house.accounts_url)).split("?")[1]
    caplog.clear()  # what the test's own browser asked for
    finish(house, "ann", attempt, came_back)
    first = dict(house.place("ann").read())
    spotify.world.clock.advance(days=1)
    house.api("ann", "poll").me()
    secrets = {attempt.code(came_back), attempt.verifier, attempt.state}
    for fields in (first, house.place("ann").read()):
        secrets |= {fields["access_token"], fields["refresh_token"]}
    assert "api/token" in caplog.text or "/v1/me" in caplog.text
    assert not [secret for secret in secrets if secret in caplog.text]


def test_processes_that_ask_at_once_never_spend_a_refresh_token_twice(
    house: Household, spotify: FakeSpotify, tmp_path: Path
) -> None:
    signed_in(house)
    spotify.world.clock.advance(days=1)
    faults: list[Exception] = []

    def ask() -> None:
        try:
            household(spotify, tmp_path).api("ann", "poll").me()
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(spotify.world.grants) == 1


def test_after_six_months_it_has_ended_and_a_new_sign_in_takes_its_place(
    house: Household, spotify: FakeSpotify
) -> None:
    signed_in(house)
    spotify.world.clock.advance(days=182)
    with pytest.raises(SignInError, match="has ended") as ended:
        house.api("ann", "poll").me()
    assert "segue spotify login" in ended.value.cure
    (facts,) = sign_ins(house)
    assert facts.ended
    assert facts.left(spotify.world.clock.now()) == timedelta(0)
    assert house.place("ann").read()["refresh_token"] == ""
    signed_in(house)
    (facts,) = sign_ins(house)
    assert not facts.ended
    assert house.api("ann", "poll").me().user == "alice"


def test_nothing_is_kept_of_a_sign_in_that_spotify_refuses(
    house: Household, spotify: FakeSpotify
) -> None:
    spotify.world.add_user("stranger")
    attempt = begin(house, "ann")
    with pytest.raises(ServiceError, match="403") as refused:
        finish(
            house,
            "ann",
            attempt,
            consent(attempt.url(house.accounts_url), who="stranger"),
        )
    assert "five" in refused.value.cure
    assert house.place("ann").read() == {"spotify_client_id": "the-app"}
    assert sign_ins(house) == []


def test_who_says_no_is_not_signed_in(house: Household, spotify: FakeSpotify) -> None:
    the_user(spotify).consents = False
    with pytest.raises(SignInError, match="you said no"):
        signed_in(house)


def test_a_code_is_good_once(house: Household) -> None:
    attempt = begin(house, "ann")
    came_back = consent(attempt.url(house.accounts_url))
    finish(house, "ann", attempt, came_back)
    with pytest.raises(SignInError, match="has ended"):
        finish(house, "ann", attempt, came_back)
    assert house.api("ann", "poll").me().user == "alice"  # the first one stays


def test_two_people_do_not_end_up_in_one_history(house: Household, spotify: FakeSpotify) -> None:
    spotify.world.add_user("ben")
    the_app(spotify).allowed.append("ben")
    signed_in(house)
    with pytest.raises(ConfigError, match="another Spotify account") as other:
        signed_in(house, who="ben")
    assert "--user" in other.value.cure
    assert house.api("ann", "poll").me().user == "alice"
    signed_in(house, "ben", who="ben")
    assert house.api("ben", "poll").me().user == "ben"
    assert [one.user_id for one in sign_ins(house)] == ["ann", "ben"]


def test_a_sign_in_while_spotify_is_down_or_blocks_is_kept_all_the_same(
    house: Household, spotify: FakeSpotify
) -> None:
    spotify.world.faults.add(Fault(status=503), path="/v1/me", times=3)
    signed_in(house)
    assert sign_ins(house)[0].account == ""
    signed_in(house)
    assert sign_ins(house)[0].account == "account-alice"
    house.queue.block(spotify.world.clock.now() + timedelta(hours=1), "quota")
    signed_in(house)
    assert sign_ins(house)[0].account == "account-alice"
    with pytest.raises(BlockedError):
        house.api("ann", "poll").me()


def test_without_a_client_id_it_says_how_to_get_one(spotify: FakeSpotify, tmp_path: Path) -> None:
    house = household(spotify, tmp_path, {"SPOTIFY_CLIENT_ID": ""})
    with pytest.raises(ConfigError, match="no client id") as missing:
        begin(house, "ann")
    assert "http://127.0.0.1/callback" in missing.value.cure
    attempt = begin(house, "ann", client_id="the-app")
    finish(house, "ann", attempt, consent(attempt.url(house.accounts_url)))
    assert begin(house, "ann").client_id == "the-app"  # known from the last time


def test_signing_out_leaves_no_token(house: Household, tmp_path: Path) -> None:
    signed_in(house)
    assert sign_out(house, "ann")
    assert not sign_out(house, "ann")
    assert sign_ins(house) == []
    with pytest.raises(SignInError, match="nobody is signed in"):
        house.api("ann", "poll").me()


def test_a_token_of_the_environment_is_one_users_and_needs_no_sign_in(
    spotify: FakeSpotify, tmp_path: Path
) -> None:
    world = spotify.world
    world.rules.rotates = "always"
    token = world.grant(the_app(spotify), the_user(spotify), pkce=False)
    told = {
        "SPOTIFY_CLIENT_SECRET": the_app(spotify).client_secret,
        "SPOTIFY_REFRESH_TOKEN": token,
    }
    house = household(spotify, tmp_path, told)
    assert house.api("ann", "poll").me().user == "alice"
    world.clock.advance(days=1)
    assert household(spotify, tmp_path, told).api("ann", "poll").me().user == "alice"  # rotated
    (facts,) = sign_ins(house)
    assert (facts.user_id, facts.expires_at) == ("ann", None)
    with pytest.raises(SignInError):
        house.api("ben", "poll").me()
    world.clock.advance(days=200)
    for _ in range(2):
        with pytest.raises(SignInError):
            house.api("ann", "poll").me()
    assert sign_ins(house)[0].ended


# --- the browser that comes back ----------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_only_the_right_browser_ends_the_wait(host: str) -> None:
    listening = Loopback(f"http://{host}/callback")
    try:
        attempt = Attempt.new("id", listening.redirect_uri)
        place = listening.redirect_uri
        found: list[str] = []
        waiting = threading.Thread(
            target=lambda: found.append(listening.wait(attempt.fits, seconds=20))
        )
        waiting.start()
        assert HTTP.get(place.replace("/callback", "/favicon.ico")).status_code == 404
        assert HTTP.get(f"{place}?code=evil&state=guess").status_code == 400
        answer = HTTP.get(f"{place}?code=right&state={attempt.state}")
        assert (answer.status_code, "close this page" in answer.text) == (200, True)
        assert answer.headers["cache-control"] == "no-store"
        waiting.join()
        assert attempt.code(found[0]) == "right"
    finally:
        listening.close()


def test_nobody_who_comes_back_is_waited_for_without_end() -> None:
    listening = Loopback("http://127.0.0.1/callback")
    try:
        with pytest.raises(SignInError, match="nobody came back") as late:
            listening.wait(lambda address: True, seconds=0.1)
        assert "--paste" in late.value.cure
        port = int(listening.redirect_uri.rsplit(":", 1)[1].partition("/")[0])
        with pytest.raises(ConfigError, match=f"port {port}"):
            Loopback("http://127.0.0.1/callback", port=port)
    finally:
        listening.close()


def test_only_a_loopback_address_comes_to_this_machine() -> None:
    assert can_listen_for("http://127.0.0.1:8000/callback")
    assert not can_listen_for("https://home.example/callback")
