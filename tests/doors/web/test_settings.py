"""Settings: changed on the page, written into the file, and refused where they cannot be."""

from __future__ import annotations

import re
import tomllib
from datetime import date

import httpx2
from playwright.sync_api import expect

from segue.flows.jobs import cancel_job, jobs
from segue.settings.household import WEEKDAYS
from tests.doors.running import Running
from tests.doors.web.conftest import PHONE, Open


def test_what_is_kept_stands_in_the_file(open_page: Open, paged: Running) -> None:
    file = paged.home / "segue.toml"
    assert not file.exists()
    try:
        page = open_page("/settings")
        page.get_by_label("Tracks in a playlist").fill("40")
        page.get_by_label("How adventurous").fill("55")
        page.get_by_role("button", name="Keep").click()
        expect(page.locator("#house .note")).to_contain_text("Kept.")
        assert tomllib.loads(file.read_text()) == {"recommend": {"size": 40, "adventurous": 0.55}}
        page.get_by_label("Time zone").fill("Europe/Atlantis")
        page.get_by_role("button", name="Keep").click()
        expect(page.get_by_role("alert")).to_contain_text("no time zone “Europe/Atlantis”")
        assert "time_zone" not in tomllib.loads(file.read_text())
    finally:
        file.unlink(missing_ok=True)


def token_of(client: httpx2.Client) -> str:
    """What proves that a form is the page's."""
    return str(re.findall(r'name="token" content="(\w+)"', client.get("/settings").text)[0])


def test_a_playlist_is_kept_fresh_from_the_page(open_page: Open, paged: Running) -> None:
    file = paged.home / "segue.toml"
    file.write_text("# mine\n[recommend]\nsize = 40\n")
    try:
        page = open_page("/settings", size=PHONE)
        page.get_by_role("link", name="Keep one fresh").click()
        page.get_by_label("Mix").select_option("daily")
        page.get_by_label("Title").fill("Mornings “ß”")
        page.get_by_label("Genres").fill("rock, jazz")
        page.get_by_label("Era").select_option("1990-1999")
        page.get_by_label("Spotify").uncheck()
        page.get_by_label("Files").fill(str(paged.home / "mornings.txt"))
        page.get_by_role("button", name="Keep").click()
        expect(page.get_by_role("alert")).to_contain_text("mornings.txt")
        expect(page.get_by_label("Title")).to_have_value("Mornings “ß”")
        page.get_by_label("Files").fill(str(paged.home / "mornings.m3u"))
        page.get_by_label("When").fill("at dawn")
        page.get_by_role("button", name="Keep").click()
        expect(page.get_by_role("alert")).to_contain_text("“When”")
        page.get_by_label("When").fill("weekdays at 07:00")
        page.get_by_label("Files").fill(str(paged.home / "mornings.m3u"))
        page.get_by_role("button", name="Keep").click()
        expect(page.locator("#playlists")).to_contain_text("Mornings “ß”")
        told = tomllib.loads(file.read_text())
        assert told["playlists"] == [
            {
                "mix": "daily",
                "title": "Mornings “ß”",
                "to": [str(paged.home / "mornings.m3u")],
                "genres": ["rock", "jazz"],
                "years": "1990-1999",
                "when": "weekdays at 07:00",
            }
        ]
        page.get_by_role("link", name="Change Mornings “ß”").click()
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Keep it fresh no more").click()
        expect(page.locator("#playlists")).to_contain_text("None yet")
        assert file.read_text().startswith("# mine")
        assert "playlists" not in tomllib.loads(file.read_text())
    finally:
        file.unlink(missing_ok=True)


def test_a_playlist_that_has_changed_meanwhile_is_not_overwritten(paged: Running) -> None:
    file = paged.home / "segue.toml"
    file.write_text('[[playlists]]\nmix = "daily"\n')
    try:
        with paged.client() as client:
            form = {"token": token_of(client), "mix": "daily", "to": "spotify", "when": "hourly"}
            twin = client.post("/settings/playlists/new", data=form)
            assert "both the daily mix" in twin.text
            stale = client.post("/settings/playlists/0", data={**form, "mark": "another"})
            assert stale.status_code == 409
            assert client.get("/settings/playlists/7").status_code == 404
            many = client.post("/settings/playlists/new", data={**form, "size": "many"})
            assert "“Tracks”: that is no whole number" in many.text
            songs = client.post("/settings/playlists/new", data={**form, "mix": "similar"})
            assert "no songs to start from" in songs.text
        assert tomllib.loads(file.read_text()) == {"playlists": [{"mix": "daily"}]}
    finally:
        file.unlink(missing_ok=True)


def test_plays_of_somebody_else_are_left_out(paged: Running) -> None:
    file = paged.home / "segue.toml"
    try:
        with paged.client() as client:
            form = {"token": token_of(client), "name": "Bedtime", "user": "bob"}
            empty = client.post("/settings/left-out/new", data=form)
            assert "It says of no play that it is somebody else’s" in empty.text
            odd = client.post("/settings/left-out/new", data={**form, "hours": "at night"})
            assert "“Hours”" in odd.text
            told = {**form, "days": list(WEEKDAYS), "hours": "00:00-23:59", "first": "2020-01-02"}
            assert client.post("/settings/left-out/new", data=told).status_code == 303
            assert tomllib.loads(file.read_text())["not_mine"] == [
                {
                    "name": "Bedtime",
                    "user": "bob",
                    "days": list(WEEKDAYS),
                    "hours": "00:00-23:59",
                    "first": date(2020, 1, 2),
                }
            ]
            assert [one.kind for one in jobs(paged.home, kind="build")] == ["build"]
            counted = client.get("/settings", headers={"x-fragment": "left"}).text
            assert "24 plays" in counted
            assert "from 2 Jan 2020" in counted
            shown = client.get("/settings/left-out/0").text
            assert 'value="2020-01-02"' in shown
            mark = re.findall(r'name="mark" value="(\w+)"', shown)[0]
            gone = {"token": form["token"], "mark": mark}
            assert client.post("/settings/left-out/0/remove", data=gone).status_code == 303
            assert "not_mine" not in tomllib.loads(file.read_text())
    finally:
        for one in jobs(paged.home, kind="build"):
            cancel_job(paged.home, one.job_id)
        file.unlink(missing_ok=True)


def test_people_are_named_and_added(paged: Running) -> None:
    file = paged.home / "segue.toml"
    try:
        with paged.client() as client:
            form = {"token": token_of(client)}
            named = {**form, "user": "ann", "name": "Ann-Marie"}
            assert client.post("/settings/people", data=named).status_code == 303
            added = {**form, "user": "kid", "name": "The kid", "new": "yes"}
            assert client.post("/settings/people", data=added).status_code == 303
            text = client.get("/settings").text
            assert "Ann-Marie" in text
            assert "The kid" in text
            again = client.post("/settings/people", data={**added, "user": "bob"})
            assert "somebody called “bob” already" in again.text
            nobody = client.post("/settings/people", data={**form, "user": " ", "new": "yes"})
            assert nobody.status_code == 422
            first = {**form, "user": "kid", "password": "four words of it"}
            refused = client.post("/settings/people/password", data=first)
            assert "The first password is that of “Ann-Marie”" in refused.text
            short = client.post(
                "/settings/people/password", data={**form, "user": "ann", "password": "short"}
            )
            assert "8 to" in short.text
        assert tomllib.loads(file.read_text()) == {
            "users": [{"user": "ann", "name": "Ann-Marie"}, {"user": "kid", "name": "The kid"}]
        }
    finally:
        file.unlink(missing_ok=True)


def test_what_cannot_be_is_refused_in_words(paged: Running) -> None:
    with paged.client() as client:
        token = re.findall(r'name="token" content="(\w+)"', client.get("/settings").text)[0]
        answer = client.post("/settings", data={"token": token, "recommend.size": "many"})
        assert "“Tracks in a playlist” is no number" in answer.text
        assert client.post("/settings", data={"recommend.size": "5"}).status_code == 403
    assert not (paged.home / "segue.toml").exists()
