"""`segue spotify`, as somebody at a keyboard meets it."""

from __future__ import annotations

import subprocess
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from segue.fakes.spotify import FakeSpotify
from tests.doors.home import Answer, Home
from tests.doors.running import Running
from tests.spotify_client import HTTP
from tests.spotify_household import consent

SHOWN: Final = "Sign in here"


@pytest.fixture
def at_spotify(
    home: Home, spotify: FakeSpotify, monkeypatch: pytest.MonkeyPatch
) -> tuple[Home, FakeSpotify]:
    """A home whose Spotify is the fake one."""
    for name, value in {
        "SEGUE_SPOTIFY__API_URL": f"{spotify.url}/v1",
        "SEGUE_SPOTIFY__ACCOUNTS_URL": spotify.url,
        "SEGUE_SECRETS__STORE": "file",
    }.items():
        monkeypatch.setenv(name, value)
    return home, spotify


def login(home: Home, *options: str, paste: bool = False, follow: bool = True) -> Answer:
    """Sign in as a person does: read the address, open it, agree."""
    command = home.command("spotify", "login", *options, *(["--paste"] if paste else []))
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=home.environment(),
    )
    assert process.stderr is not None
    address = ""
    for line in process.stderr:
        if line.strip().startswith("http"):
            address = line.strip()
            break
    sent = None
    if address:
        back = consent(address)
        if paste:
            sent = back + "\n"
        elif follow:
            assert HTTP.get(back).status_code == 200
    out, err = process.communicate(sent, timeout=60)
    return Answer(process.returncode, out, err)


def test_a_person_signs_in_looks_and_signs_out(at_spotify: tuple[Home, FakeSpotify]) -> None:
    home, spotify = at_spotify
    assert "Nobody is signed in" in home("spotify", "status").ok().out
    home("spotify", "login").refused("no client id", "developer.spotify.com/dashboard", code=2)
    said = login(home, "--client-id", "the-app", "--no-browser").ok().out
    assert "Signed in as Alice, for user “me”." in said
    status = home("spotify", "status")
    assert "signed in as account-alice" in status.ok().out
    assert "days left" in status.out
    assert "1 of 500 used, 499 left (sign_in 1)" in status.out
    told = home("spotify", "status", "--json").ok().json
    assert told["requests"]["by_purpose"] == {"sign_in": 1}
    assert told["sign_ins"][0]["days_left"] > 170
    assert "Spotify   me: signed in as account-alice" in home("status").ok().out
    tokens = [*spotify.world.grants, *spotify.world.tokens]
    kept = b"".join(path.read_bytes() for path in home.folder.rglob("*") if path.is_file())
    for token in tokens:
        assert token not in said + status.out
        assert token.encode() not in kept
    gone = home("spotify", "logout").ok().out
    assert "segue forget --user me --source spotify_api" in gone
    assert "was not signed in" in home("spotify", "logout").ok().out


def test_plays_are_collected_of_everybody(at_spotify: tuple[Home, FakeSpotify]) -> None:
    home, spotify = at_spotify
    home("spotify", "poll").refused("nobody is signed in", "segue spotify login")
    login(home, "--client-id", "the-app", "--no-browser").ok()
    track = spotify.world.catalogue.track(7)
    spotify.world.players["alice"].played(track.uri, datetime(2026, 11, 20, 12, tzinfo=UTC))
    said = home("spotify", "poll").ok().out
    assert "me: 1 plays told, 1 new; the last one 2026-11-20 12:00 UTC" in said
    (told,) = home("spotify", "poll", "--json").ok().json
    assert (told["user"], told["told"], told["gap"]) == ("me", 0, None)
    both = home("spotify", "poll", "--user", "me", "--user", "ben", "--json")
    assert both.code == 1
    assert [one["error"] for one in both.json] == [None, "nobody is signed in at Spotify"]
    assert "poll 3" in home("spotify", "status").ok().out


def test_a_player_is_followed_into_the_log(at_spotify: tuple[Home, FakeSpotify]) -> None:
    home, spotify = at_spotify
    home("listen", "--once").refused("nobody is signed in", "segue spotify login")
    login(home, "--client-id", "the-app", "--no-browser").ok()
    track = spotify.world.catalogue.track(7)
    spotify.world.players["alice"].play(track.uri)
    (event,) = home("listen", "--once", "--json").ok().json
    assert (event["event_type"], event["track_id"]) == ("play", track.uri)
    assert (event["source"], event["user_id"]) == ("spotify_live", "me")
    assert "0 events." in home("listen", "--minutes", "0", "--once").ok().out
    assert home("events", "status", "--json").ok().json["last"] == 1


def test_a_player_is_followed_into_a_service(
    at_spotify: tuple[Home, FakeSpotify], served: Running
) -> None:
    home, spotify = at_spotify
    login(home, "--client-id", "the-app", "--user", "lea", "--no-browser").ok()
    track = spotify.world.catalogue.track(7)
    spotify.world.players["alice"].play(track.uri)
    to = ("listen", "--once", "--to", served.url)
    home(*to).refused("key")
    assert "play" in home(*to, SEGUE_TOKEN=served.tokens["ingest"]).ok().out
    assert not (home.folder / "events").exists()


def test_without_a_browser_the_address_is_pasted(at_spotify: tuple[Home, FakeSpotify]) -> None:
    home, _ = at_spotify
    done = login(home, "--client-id", "the-app", "--user", "ann", "--json", paste=True).ok()
    assert done.json["user"] == "ann"
    assert done.json["missing_scopes"] == []
    command = home("spotify", "login", "--paste", "--client-id", "the-app")
    command.refused("no address was pasted", code=2)


def test_old_redirect_addresses_are_refused_with_the_rule(
    at_spotify: tuple[Home, FakeSpotify], tmp_path: Path
) -> None:
    home, _ = at_spotify
    home(
        "spotify",
        "login",
        SPOTIFY_REDIRECT_URI="http://localhost:8888/callback",
        SPOTIFY_CLIENT_ID="the-app",
    ).refused("localhost", "127.0.0.1", code=2)


def test_a_backup_holds_no_token_and_forgetting_a_user_signs_them_out(
    at_spotify: tuple[Home, FakeSpotify],
) -> None:
    home, _ = at_spotify
    login(home, "--client-id", "the-app", "--no-browser").ok()
    export = home.folder.parent / "Streaming_History_Audio_2026.json"
    export.write_text(
        '[{"ts": "2026-01-01T12:03:00Z", "ms_played": 180000,'
        ' "master_metadata_track_name": "T", "master_metadata_album_artist_name": "A",'
        ' "spotify_track_uri": "spotify:track:6rqhFgbbKwnb9MLmUQDhG6"}]'
    )
    home("import", export).ok()
    archive = home.folder.parent / "home.tar"
    home("backup", archive, "--with-secrets").ok()
    with tarfile.open(archive) as opened:
        names = opened.getnames()
    assert any("lake/" in name for name in names)
    assert not [name for name in names if "secrets" in name or "services" in name]
    home("forget", "--user", "me", "--yes").ok()
    assert "Nobody is signed in" in home("spotify", "status").ok().out
