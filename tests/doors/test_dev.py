"""`segue dev fake-spotify`, as somebody who tries things out meets it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.doors.home import Home
from tests.fake_spotify import description
from tests.spotify_client import HTTP


@contextmanager
def _running(home: Home, *options: str | Path) -> Iterator[str]:
    command = home.command("dev", "fake-spotify", "--port", "0", *options)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130, said


def _control(url: str, method: str, page: str, **told: Any) -> Any:
    answer = HTTP.request(method, f"{url}/control{page}", json=told or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_was_tried_out_is_there_next_time(home: Home, tmp_path: Path) -> None:
    state, told = tmp_path / "spotify.json", description()
    options: list[str | Path] = ["--state", state, "--user", "ann", "--tracks", "100"]
    compared: list[str | Path] = [] if told is None else ["--openapi", told]
    with _running(home, *options, *compared) as url:
        assert _control(url, "GET", "")["signed_in"] == "ann"
        track = "spotify:track:4iV5W9uYEdYUVa79Axb7Rh"  # any track of the real one is one here
        pressed = _control(url, "POST", "/player", press="play", uris=[track])
        assert pressed["is_playing"] is True
        made = _control(url, "POST", "/playlists", name="Mine", uris=[track])
        client = {"grant_type": "client_credentials"}
        shown = ("segue-tries-things-out", "no-secret-at-all")
        token = HTTP.post(f"{url}/api/token", data=client, auth=shown).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        found = HTTP.get(f"{url}/v1/search?q=a&type=artist", headers=headers)
        assert found.status_code == 200
        assert _control(url, "GET", "/log")["requests"] == 1
        assert _control(url, "GET", "")["violations"] == []
    assert state.stat().st_mode & 0o777 == 0o600
    with _running(home, *options) as url:
        assert _control(url, "GET", "/playlists") == [
            {"id": made["id"], "name": "Mine", "owner": "ann", "uris": [track]}
        ]


def test_what_cannot_be_is_refused(home: Home, tmp_path: Path) -> None:
    state = tmp_path / "spotify.json"
    state.write_text(json.dumps({"version": 99}))
    home("dev", "fake-spotify", "--state", state).refused("does not hold the state", code=2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        home("dev", "fake-spotify", "--port", port).refused("nothing can listen", code=2)
