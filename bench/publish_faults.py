"""Publish and synchronise a thousand times while a fake Spotify errs at random.

After every operation the playlist must be the plan: no track twice, none lost, and no second copy
of the playlist. Run it by hand:

    python -m bench.publish_faults --operations 1000 --rate 0.15
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from segue.errors import ServiceError, Temporary
from segue.fakes.spotify import FakeSpotify, World
from segue.flows.spotify.household import Household
from segue.flows.spotify.sign_in import begin, finish
from segue.music.playlist import Playlist, PlaylistTrack
from segue.playlists.published import PublishedLists
from segue.playlists.service_sink import ServiceSink
from segue.playlists.spotify_playlists import SpotifyPlaylists
from segue.playlists.sync import synchronise
from segue.secrets.base import Place
from segue.secrets.encrypted_file import EncryptedFile
from segue.services.state_file import StateFile

SIZES = (5, 30, 30, 30, 100, 250)


def main() -> None:
    """Run it and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=0.15)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    world = World()
    world.rules.quota_requests = 10_000_000
    world.add_user("alice")
    world.add_app("the-app")
    with FakeSpotify(world) as spotify, tempfile.TemporaryDirectory() as folder:
        print(_run(spotify, Path(folder), asked))


def _run(spotify: FakeSpotify, home: Path, asked: argparse.Namespace) -> str:
    world, chance = spotify.world, random.Random(asked.seed)
    house = _household(spotify, home)
    tracks = [world.catalogue.track(number).uri for number in range(400)]
    target = world.add_playlist(world.users["alice"], "All")
    known: list[str] = []
    world.faults.at_random(asked.rate, seed=asked.seed)
    began, published, interrupted = time.perf_counter(), 0, 0
    for number in range(asked.operations):
        wanted = chance.sample(tracks, chance.choice(SIZES))
        publishes = number % 4 != 3
        while True:
            service = _service(house)
            try:
                if publishes:
                    ServiceSink(service, PublishedLists(home / "published")).publish(_list(wanted))
                else:
                    synchronise(_list(wanted).tracks, service, target.id)
                break
            except ServiceError as error:
                assert isinstance(error, Temporary), error
                interrupted += 1
                world.clock.advance(seconds=31)
        if not publishes:
            known += [uri for uri in wanted if uri not in known]
            assert target.uris == known, number
            continue
        others = [one for one in world.playlists.values() if one is not target]
        assert len(others) == 1, number
        assert others[0].uris == wanted, number
        published += 1
    asked_for = sum(world.log.counts().values())
    faults = sum(1 for line in world.log if line.fault)
    seconds = time.perf_counter() - began
    return (
        f"{asked.operations} operations ({published} publications), {asked_for:,} requests, "
        f"{faults:,} of them with a fault, {interrupted:,} interruptions: every playlist as planned"
        f" ({seconds:.0f} s)"
    )


def _household(spotify: FakeSpotify, home: Path) -> Household:
    http = httpx2.Client(verify=False)
    house = Household(
        secrets=EncryptedFile(Place(home / "secrets")),
        state=StateFile(home / "services.sqlite"),
        main_user="ann",
        given={"SPOTIFY_CLIENT_ID": "the-app"},
        redirect_uri="http://127.0.0.1/callback",
        api_url=f"{spotify.url}/v1",
        accounts_url=spotify.url,
        budget=10_000_000,
        clock=spotify.world.clock.now,
        open_http=lambda: http,
        pause=lambda seconds: _let_pass(spotify, seconds),
    )
    attempt = begin(house, "ann")
    answer = http.get(attempt.url(house.accounts_url), follow_redirects=False)
    finish(house, "ann", attempt, str(answer.headers["location"]))
    return house


def _let_pass(spotify: FakeSpotify, seconds: float) -> None:
    spotify.world.clock.advance(seconds=seconds)


def _service(house: Household) -> SpotifyPlaylists:
    return SpotifyPlaylists(house.api("ann", "publish"), lambda: 0)


def _list(uris: list[str]) -> Playlist:
    tracks = [
        PlaylistTrack(
            rank=rank,
            track_id=uri,
            title="",
            artists=(),
            score=0.0,
            reason="",
            sources=(),
            spotify_uri=uri,
        )
        for rank, uri in enumerate(uris, start=1)
    ]
    made_at = datetime(2026, 11, 21, tzinfo=UTC)
    return Playlist("pfaults", "Faults", "", "ann", made_at, tuple(tracks))


if __name__ == "__main__":
    main()
