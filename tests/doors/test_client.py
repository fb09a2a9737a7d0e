"""The client, against a service that runs: what it asks and what it makes of the answers."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from segue.client import Asked, AsyncSegueClient, EventOutcome, Listened, SegueClient, event
from segue.errors import NotNowError, RefusedError
from tests.doors.running import Running, own_small_home, serving

pytestmark = pytest.mark.xdist_group("service")


@pytest.fixture
def segue(served: Running) -> Iterator[SegueClient]:
    """A client that may do everything."""
    with SegueClient(served.url, served.tokens["admin"]) as client:
        yield client


def test_events_of_the_client_have_ids_that_grow_with_time() -> None:
    said = [event("cleo", "j01", "play").event_id]
    until = time.time_ns() + 3_000_000
    while time.time_ns() < until:
        continue
    said.append(event("cleo", "j01", "play").event_id)
    assert said[0] < said[1]
    assert {uuid.UUID(one).version for one in said} == {7}
    assert {uuid.UUID(one).variant for one in said} == {uuid.RFC_4122}


def test_events_are_reported_once_and_answered_in_order(segue: SegueClient) -> None:
    play, skip = event("cleo", "j01", "play"), event("cleo", "j01", "skip", ms_played=9_000)
    late = event("cleo", "j01", "like", timestamp=datetime(1999, 1, 1, tzinfo=UTC))
    assert [one.outcome for one in segue.report(play, late, skip)] == [
        "accepted",
        "rejected",
        "accepted",
    ]
    assert segue.report(play) == (EventOutcome(play.event_id, "duplicate"),)
    many = [event("cleo", f"j{n % 24:02}", "complete") for n in range(1_001)]
    assert [one.event_id for one in segue.report(*many)] == [one.event_id for one in many]
    assert segue.report() == ()


def test_recommendations_with_everything_that_may_be_asked(segue: SegueClient) -> None:
    asked = Asked(
        k=4,
        mix="daily",
        adventurous=0.5,
        genres=("rock", "jazz"),
        years=(1985, None),
        tempo=(80.5, 200),
        minutes=(None, 30),
        sound={"energy": (0.1, 0.9)},
        explicit=False,
        exclude=("r20",),
        exclude_artists=("Nobody & Sons",),
        per_artist=1,
        recent_hours=0,
    )
    found = segue.recommend("bob", asked)
    assert found.user_id == "bob"
    assert found.made_at.tzinfo is not None
    assert [track.rank for track in found.tracks] == [1, 2, 3, 4]
    assert all(track.reason and (track.year or 0) >= 1985 for track in found.tracks)
    assert segue.recommend("bob", asked) == found
    assert segue.recommend("bob", Asked(k=2, seeds=("j01",))).mix == "similar"
    assert len(segue.similar("r01", Asked(k=3)).tracks) == 3
    listened = [Listened("j02", plays=3, liked=True, last_played_at=datetime.now(UTC))]
    assert segue.recommend_for(listened, Asked(k=1)).tracks[0].track_id.startswith("j")


def test_tracks_and_users(segue: SegueClient) -> None:
    assert segue.track("j03").genres == ("jazz",)
    assert "j03" in {track.track_id for track in segue.search("jazz song 3")}
    segue.report(event("dan & co/x", "r01", "complete", ms_played=200_000))
    assert segue.user("dan & co/x").live
    assert segue.profile("dan & co/x").recent[0].track_id == "r01"
    since = time.monotonic()  # listed once the profiles have taken the event
    while "dan & co/x" not in (listed := {user.user_id for user in segue.users()}):
        assert time.monotonic() - since < 10
        time.sleep(0.05)
    assert {"ann", "bob"} < listed
    assert segue.forget("dan & co/x").events == 1
    assert segue.health().ready


def test_a_refusal_says_what_and_where(segue: SegueClient, served: Running) -> None:
    with pytest.raises(RefusedError, match="No track") as unknown:
        segue.track("nothing")
    assert (unknown.value.status, unknown.value.kind) == (404, "unknown-track")
    assert unknown.value.request_id
    with pytest.raises(RefusedError) as wrong:
        segue.recommend("bob", Asked(k=9_999))
    assert set(wrong.value.fields) == {"k"}
    with SegueClient(served.url) as nobody, pytest.raises(RefusedError, match="API key") as keyless:
        nobody.track("j01")
    assert "segue keys create" in keyless.value.cure


def test_it_waits_as_long_as_the_service_says(served: Running) -> None:
    with SegueClient(served.url, served.tokens["slow"]) as client:
        began = time.monotonic()
        for _ in range(2):
            assert client.track("j01").track_id == "j01"
        assert time.monotonic() - began > 0.9
    with SegueClient(served.url, served.tokens["slow"], tries=1) as client:
        with pytest.raises(NotNowError) as busy:
            for _ in range(3):
                client.track("j01")
        assert busy.value.status == 429
        assert busy.value.retry_after


def test_asyncio_does_the_same(served: Running) -> None:
    async def ask() -> None:
        async with AsyncSegueClient(served.url, served.tokens["admin"]) as client:
            said = event("eva", "j05", "complete")
            assert [one.outcome for one in await client.report(said)] == ["accepted"]
            lists = await asyncio.gather(
                *(client.recommend(user, Asked(k=3)) for user in ("eva", "ann", "bob"))
            )
            assert [one.user_id for one in lists] == ["eva", "ann", "bob"]
            assert [user.user_id async for user in client.users()][:2] == ["ann", "bob"]
            assert (await client.profile("eva")).user_id == "eva"
            assert (await client.user("eva")).live
            assert (await client.track("j01")).title == "jazz song 1"
            assert await client.search("jazz song 1", limit=1)
            assert (await client.similar("j01", Asked(k=1))).tracks
            assert (await client.recommend_for((), Asked(k=1))).tracks
            assert (await client.forget("eva")).events == 1
            assert (await client.health()).ready
            with pytest.raises(RefusedError):
                await client.track("nothing")

    asyncio.run(ask())


@contextmanager
def _listening(answer: bytes) -> Iterator[str]:
    """Something that is no service of Segue; it answers everything alike."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"tracks": 7}', b'"x"'])
def test_something_else_at_the_address_is_said(body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
    with (
        _listening(head + body) as url,
        SegueClient(url) as client,
        pytest.raises(RefusedError, match="no service of Segue"),
    ):
        client.search("x")


def test_nobody_at_the_address_is_said_after_some_tries() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with SegueClient(url, tries=3) as client, pytest.raises(NotNowError, match="reached") as lost:
        client.health()
    assert lost.value.status is None


def test_a_service_that_begins_again_is_waited_for(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = own_small_home(tmp_path_factory)
    with serving(home) as first:
        port = first.url.rpartition(":")[2]
        with SegueClient(first.url, tries=9) as client:
            said = event("ann", "j01", "play")
            assert client.report(said)[0].outcome == "accepted"
            first.stop()
            answers: list[str] = []
            asking = threading.Thread(target=lambda: answers.append(client.report(said)[0].outcome))
            asking.start()
            with serving(home, "--port", port):
                asking.join(60)
    assert answers == ["duplicate"]
