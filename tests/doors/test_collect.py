"""`segue collect`, as somebody at a keyboard meets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from segue.fakes.lastfm import API_KEY, FakeLastfm, Scrobble
from tests.doors.home import Home


def test_plays_are_collected_and_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = datetime.now(tz=UTC) - timedelta(hours=9)
    with FakeLastfm() as lastfm:
        plays = [Scrobble(before + timedelta(minutes=n), "Artist", f"Song {n}") for n in range(7)]
        lastfm.scrobbled("ann", *plays)
        monkeypatch.setenv("SEGUE_LASTFM__URL", lastfm.url)
        monkeypatch.setenv("SEGUE_LASTFM__USER", "ann")
        home("collect", "lastfm").refused("LASTFM_API_KEY", code=2)
        key = {"LASTFM_API_KEY": API_KEY}
        assert home("collect", "--json", **key).ok().json["kept"] == 7
        nobody = home("collect", "lastfm", SEGUE_LASTFM__USER="nobody", **key)
        nobody.refused("knows no user “nobody”")
        assert API_KEY not in nobody.out + nobody.err
