"""Signing in where it is needed: with a password or a key, and only to one's own music."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx2
import pytest
from playwright.sync_api import expect

from segue.access.passwords import Passwords
from segue.flows.home_parts import ACCESS, PASSWORDS
from tests.doors.running import Running, own_small_home, serving
from tests.doors.web.conftest import PHONE, Open
from tests.doors.web.test_frame import faults

SECRET = "four words nobody guesses"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with keys for ann, an operator and a program; bob has a password."""
    home = own_small_home(tmp_path_factory)
    Passwords(home / ACCESS / PASSWORDS).set("bob", SECRET)
    with serving(home, holders=["ann", "admin", "ingest"], SEGUE_USER_ID="ann") as running:
        yield running


def signed_in(client: httpx2.Client, user: str, secret: str) -> httpx2.Response:
    """What the door says."""
    return client.post("/sign-in", data={"user": user, "secret": secret, "next": "/for-you"})


def test_a_password_leads_to_the_page_that_was_asked_for(open_page: Open, locked: Running) -> None:
    page = open_page("/search?q=rock", url=locked.url, size=PHONE)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("Name").fill("bob")
    page.get_by_label("Password or API key").fill("not it at all")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("neither the password")
    page.get_by_label("Password or API key").fill(SECRET)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".hit").first).to_be_visible()
    assert page.url.endswith("/search?q=rock")
    page.locator(".bar summary").click()
    page.locator(".bar").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("status").first).to_have_text("You are signed out.")
    expect(page.get_by_label("Name")).to_be_focused()


def test_a_key_opens_its_users_music_alone(locked: Running) -> None:
    with locked.client() as client:
        assert signed_in(client, "bob", locked.tokens["ann"]).status_code == 303
        text = client.get("/for-you").text
        assert ">ann<" in text
        token = re.findall(r'name="token" content="(\w+)"', text)[0]
        asked = client.post("/switch", data={"token": token, "user": "bob"})
        assert asked.status_code == 403
        assert client.get("/people").status_code == 403
        assert ">ann<" in client.get("/for-you").text


def test_an_operator_may_look_at_others(locked: Running) -> None:
    with locked.client() as client:
        assert signed_in(client, "", locked.tokens["admin"]).status_code == 303
        token = re.findall(r'content="(\w{64})"', client.get("/for-you").text)[0]
        assert "bob" in client.get("/people").text
        client.post("/switch", data={"token": token, "user": "bob"})
        assert ">bob<" in client.get("/for-you").text


def test_a_key_that_only_reports_does_not_open(locked: Running) -> None:
    with locked.client() as client:
        refused = signed_in(client, "", locked.tokens["ingest"])
        assert refused.status_code == 403
        assert "may only report events" in refused.text


def test_nothing_is_shown_without_a_session(locked: Running) -> None:
    with locked.client() as client:
        for address in ("/", "/for-you", "/start", "/playlists", "/search?q=rock"):
            answer = client.get(address)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in?next=")
        part = client.get("/for-you", headers={"x-fragment": "list"})
        assert (part.status_code, part.text) == (200, "")
        assert part.headers["x-go"].startswith("/sign-in")
        assert client.post("/feedback", data={}).status_code == 303
        away = signed_in(client, "bob", SECRET).headers["location"]
        assert away == "/for-you"
        data = {"user": "bob", "secret": SECRET, "next": "//evil.example/"}
        assert client.post("/sign-in", data=data).headers["location"] == "/"


def test_another_password_ends_sessions(locked: Running) -> None:
    passwords = Passwords(locked.home / ACCESS / PASSWORDS)
    passwords.set("cem", SECRET)
    with locked.client() as client:
        assert signed_in(client, "cem", SECRET).status_code == 303
        assert client.get("/for-you").status_code == 200
        passwords.set("cem", SECRET + "!")
        assert client.get("/for-you").status_code == 303


def test_after_five_wrong_attempts_it_takes_a_while(locked: Running) -> None:
    with locked.client() as client:
        codes = [signed_in(client, "bob", f"wrong {n}").status_code for n in range(6)]
        assert codes[-1] == 429
        waiting = signed_in(client, "bob", SECRET)
        assert waiting.status_code == 429
        assert "That was wrong too often. Try again in 5 minutes." in waiting.text
        assert int(waiting.headers["retry-after"]) > 60


def test_a_forgotten_users_password_opens_nothing(locked: Running) -> None:
    passwords = Passwords(locked.home / ACCESS / PASSWORDS)
    passwords.set("zoe", SECRET)
    with locked.client("admin") as client:
        event = {"event_id": "1", "user_id": "zoe", "track_id": "j03", "event_type": "like"}
        client.post("/events", json={**event, "timestamp": datetime.now(UTC).isoformat()})
        assert client.delete("/users/zoe").status_code == 200
    assert "zoe" not in Passwords(passwords.path).users()
