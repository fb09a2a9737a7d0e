"""From a zip that is dropped to a playlist at Spotify, with a restart of the service in between."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from segue.fakes.spotify import FakeSpotify
from tests.doors.running import Running, serving
from tests.doors.web.conftest import PHONE, Open
from tests.published import the_only_one

_BEGAN = datetime(2026, 6, 1, 18, tzinfo=UTC)


def export_of(spotify: FakeSpotify, *, n_tracks: int = 40, n_plays: int = 400) -> bytes:
    """A zip as Spotify makes it; one row is a podcast, one is there twice."""
    rows = []
    for number in range(n_plays):
        track = spotify.world.catalogue.track((number * number) % n_tracks)
        rows.append(
            {
                "ts": (_BEGAN + timedelta(minutes=290 * number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "ms_played": track.duration_ms if number % 5 else 4_000,
                "spotify_track_uri": track.uri,
                "master_metadata_track_name": track.name,
                "master_metadata_album_artist_name": track.artists[0].name,
                "master_metadata_album_album_name": track.album.name,
                "reason_start": "trackdone",
                "reason_end": "trackdone" if number % 5 else "fwdbtn",
                "skipped": not number % 5,
                "conn_country": "DE",
                "platform": "linux",
            }
        )
    podcast = {**rows[0], "ts": "2026-05-01T10:00:00Z", "spotify_track_uri": None}
    podcast |= {"master_metadata_track_name": None, "master_metadata_album_artist_name": None}
    podcast |= {"episode_name": "Ten", "spotify_episode_uri": "spotify:episode:" + "e" * 22}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        name = "Spotify Extended Streaming History/Streaming_History_Audio_2026_0.json"
        archive.writestr(name, json.dumps([*rows, rows[0], podcast]))
    return packed.getvalue()


@pytest.fixture
def environment(spotify: FakeSpotify) -> dict[str, str]:
    """A home in front of the fake Spotify."""
    return {
        "SEGUE_USER_ID": "ann",
        "SEGUE_SPOTIFY__API_URL": f"{spotify.url}/v1",
        "SEGUE_SPOTIFY__ACCOUNTS_URL": spotify.url,
        "SEGUE_SECRETS__STORE": "file",
        "SPOTIFY_CLIENT_ID": "the-app",
        "OMP_NUM_THREADS": "2",
    }


@pytest.fixture
def new_home(tmp_path: Path, environment: dict[str, str]) -> Iterator[Running]:
    """A service over a home where nothing is yet."""
    home = tmp_path / "home"
    home.mkdir()
    with serving(home, **environment) as running:
        yield running


def named(spotify: FakeSpotify, uri: str) -> str:
    """What a track is called there."""
    track = spotify.world.catalogue.by_uri(uri)
    assert track is not None
    return track.name


def choose(page: Page, name: str, body: bytes) -> None:
    """Give the page a file, as if it had been chosen."""
    page.locator("#files").set_input_files(
        {"name": name, "mimeType": "application/zip", "buffer": body}
    )


def test_from_a_zip_to_a_playlist(
    open_page: Open, new_home: Running, environment: dict[str, str], spotify: FakeSpotify
) -> None:
    page = open_page("/", url=new_home.url, also=spotify.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Begin with your music")

    choose(page, "broken.zip", b"PK\x03\x04 and then nothing that could be read")
    expect(page.locator("#job-title")).to_have_text("That did not work", timeout=60_000)
    expect(page.locator("#work [role=alert]")).to_contain_text("broken.zip")

    choose(page, "my_spotify_data.zip", export_of(spotify))
    expect(page.locator("#work .job-words")).to_be_visible(timeout=30_000)
    figures = page.locator("#work dd")
    expect(figures).to_have_text(["402", "400", "1", "1"], timeout=60_000)
    expect(page.locator("#work")).to_contain_text("1 × podcast episode")

    new_home.stop()  # in the middle of it
    with serving(new_home.home, **environment) as again:
        page = open_page("/start", url=again.url, also=spotify.url, size=PHONE)
        expect(page.locator("#work dd")).to_have_text(["402", "400", "1", "1"])
        page.get_by_role("link", name="See your playlists").click(timeout=120_000)

        expect(page.locator(".mix").first).to_be_visible(timeout=30_000)
        page.goto("/start")
        page.get_by_role("link", name="Connect Spotify").click()
        expect(page.get_by_role("heading", name="Spotify is connected")).to_be_visible()

        page.goto("/for-you?mix=daily")
        shown = page.locator(".track .title").all_text_contents()
        page.get_by_role("link", name="Publish").click()
        page.get_by_role("link", name="Spotify", exact=True).click()
        expect(page.get_by_text("This would change at Spotify")).to_be_visible()
        assert not spotify.world.playlists
        page.get_by_role("dialog").get_by_role("button", name="Publish").click()
        expect(page.get_by_role("heading", name=re.compile("is at Spotify"))).to_be_visible()
        theirs = [named(spotify, uri) for uri in the_only_one(spotify).uris]
        assert theirs == shown

        page.get_by_role("link", name="Your playlists").click()
        page.get_by_role("link", name=re.compile("^Daily")).click()
        expect(page.locator(".track .title")).to_have_text(shown)
        page.get_by_role("button", name="Bring this back").click()
        expect(page.get_by_role("heading", name=re.compile("Bring back"))).to_be_visible()
