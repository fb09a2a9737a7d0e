"""The fakes of MusicBrainz, Last.fm, ReccoBeats and ListenBrainz keep their limits and shapes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from segue.fakes.catalogue import Catalogue, Track
from segue.fakes.clock import Clock
from segue.fakes.fake_service import FakeService
from segue.fakes.faults import Fault
from segue.fakes.lastfm import API_KEY, FakeLastfm, Scrobble
from segue.fakes.listenbrainz import FakeListenBrainz
from segue.fakes.listenbrainz.laboratory import ARTIST_ALGORITHM, RECORDING_ALGORITHM
from segue.fakes.musicbrainz import FakeMusicBrainz
from segue.fakes.open_music import TAGS, OpenMusic
from segue.fakes.reccobeats import FakeReccoBeats
from segue.fakes.subsonic import FakeSubsonic
from tests.spotify_client import HTTP

MUSIC = OpenMusic(Catalogue(200))
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMED = {"User-Agent": "segue-tests/1.0 (nobody@example.org)"}
LISTENED = 1_700_000_000


def _clock() -> Clock:
    return Clock(NOON, running=False)


@pytest.fixture
def musicbrainz() -> Iterator[FakeMusicBrainz]:
    """One in which time stands still, and without a limit."""
    with FakeMusicBrainz(MUSIC, clock=_clock(), requests=1_000) as service:
        yield service


@pytest.fixture
def lastfm() -> Iterator[FakeLastfm]:
    """One in which time stands still, and without a limit."""
    with FakeLastfm(MUSIC, clock=_clock(), requests=1_000) as service:
        yield service


@pytest.fixture
def reccobeats() -> Iterator[FakeReccoBeats]:
    """One in which time stands still, and without a limit."""
    with FakeReccoBeats(MUSIC, clock=_clock(), requests=1_000) as service:
        yield service


@pytest.fixture
def listenbrainz() -> Iterator[FakeListenBrainz]:
    """One in which time stands still, and without a limit."""
    with FakeListenBrainz(MUSIC, clock=_clock(), requests=1_000) as service:
        yield service


def _known(service: str, *, but: bool = False, n: int = 0) -> Track:
    return [track for track in MUSIC.tracks if MUSIC.knows(service, track) != but][n]


def _get(service: FakeService, path: str, **query: Any) -> httpx2.Response:
    return HTTP.get(f"{service.url}{path}", params=query, headers=NAMED)


def test_musicbrainz_tells_recordings_by_isrc(musicbrainz: FakeMusicBrainz) -> None:
    track = _known("musicbrainz")
    path, inc = f"/ws/2/isrc/{track.isrc}", "artist-credits+releases+genres"
    told = _get(musicbrainz, path, fmt="json", inc=inc).json()["recordings"][0]
    assert told["title"] == track.name
    assert told["artist-credit"][0]["artist"]["name"] == track.artists[0].name
    assert told["first-release-date"] == track.album.released
    assert {genre["name"] for genre in told["genres"]} <= set(TAGS)
    by_id = _get(musicbrainz, f"/ws/2/recording/{told['id']}", fmt="json", inc="isrcs").json()
    assert by_id["isrcs"] == [track.isrc]
    query = f'recording:"{track.name}" AND artist:"{track.artists[0].name}"'
    found = _get(musicbrainz, "/ws/2/recording", fmt="json", query=query).json()
    assert told["id"] in [row["id"] for row in found["recordings"]]
    artist = told["artist-credit"][0]["artist"]["id"]
    assert "tags" in _get(musicbrainz, f"/ws/2/artist/{artist}", fmt="json", inc="tags").json()


def test_musicbrainz_does_not_know_everything(musicbrainz: FakeMusicBrainz) -> None:
    unknown = _known("musicbrainz", but=True)
    assert _get(musicbrainz, f"/ws/2/isrc/{unknown.isrc}", fmt="json").status_code == 404
    assert _get(musicbrainz, "/ws/2/isrc/nonsense", fmt="json").status_code == 400
    twice = next(track for track in MUSIC.tracks[19::20] if MUSIC.knows("musicbrainz", track))
    told = _get(musicbrainz, f"/ws/2/isrc/{twice.isrc}", fmt="json").json()
    assert len(told["recordings"]) == 2


def test_musicbrainz_takes_one_request_a_second_of_who_says_their_name() -> None:
    clock, path = _clock(), f"/ws/2/isrc/{_known('musicbrainz').isrc}"
    with FakeMusicBrainz(MUSIC, clock=clock) as service:
        assert _get(service, path, fmt="json").status_code == 200
        refused = _get(service, path, fmt="json")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        clock.advance(seconds=1)
        assert _get(service, path, fmt="json").status_code == 200
        clock.advance(seconds=1)
        anonymous = HTTP.get(f"{service.url}{path}?fmt=json", headers={"User-Agent": "httpx/1"})
        assert anonymous.status_code == 403
        assert len(service.log) == 4


def _fm(service: FakeLastfm, method: str, **query: Any) -> Any:
    given = {"method": method, "api_key": API_KEY, "format": "json", **query}
    return _get(service, "/2.0/", **given).json()


def test_lastfm_tells_plays_page_by_page(lastfm: FakeLastfm) -> None:
    plays = [Scrobble(NOON - timedelta(hours=n), "Artist", f"Song {n}") for n in range(450)]
    lastfm.scrobbled("Ann", *plays)
    first = _fm(lastfm, "user.getRecentTracks", user="ann", limit=1000)["recenttracks"]
    assert (len(first["track"]), first["@attr"]["totalPages"]) == (200, "3")
    assert first["track"][0]["name"] == "Song 0"
    last = _fm(lastfm, "user.getRecentTracks", user="ann", limit=200, page=3)["recenttracks"]
    assert len(last["track"]) == 50
    since = int((NOON - timedelta(hours=2)).timestamp())
    some = _fm(lastfm, "user.getrecenttracks", user="ann", **{"from": since})["recenttracks"]
    assert [row["date"]["uts"] for row in some["track"]][-1] == str(since)
    lastfm.scrobbled("bob", plays[0])
    one = _fm(lastfm, "user.getrecenttracks", user="bob")["recenttracks"]["track"]
    assert one["name"] == "Song 0"  # no list
    lastfm.plays_now("bob", plays[1])
    two = _fm(lastfm, "user.getrecenttracks", user="bob", limit=1)["recenttracks"]["track"]
    assert two[0]["@attr"] == {"nowplaying": "true"}
    assert "date" not in two[0]
    lastfm.listeners["bob"].hidden = True
    assert _fm(lastfm, "user.getrecenttracks", user="bob")["error"] == 17


def test_lastfm_tells_what_is_alike_and_how_it_is_called(lastfm: FakeLastfm) -> None:
    track = _known("lastfm")
    names = {"artist": track.artists[0].name.upper(), "track": track.name}
    similar = _fm(lastfm, "track.getsimilar", **names, limit=5)["similartracks"]["track"]
    assert len(similar) == 5
    assert 1 >= similar[0]["match"] >= similar[1]["match"] > 0
    artists = _fm(lastfm, "artist.getsimilar", artist=names["artist"])["similarartists"]["artist"]
    assert isinstance(artists[0]["match"], str)
    assert names["artist"].casefold() not in [row["name"].casefold() for row in artists]
    for method, given in (("track", names), ("artist", {"artist": names["artist"]})):
        tags = _fm(lastfm, f"{method}.gettoptags", **given)["toptags"]["tag"]
        assert tags[0]["count"] == 100
    assert _fm(lastfm, "track.getinfo", **names)["track"]["name"] == track.name
    best = _fm(lastfm, "artist.gettoptracks", artist=names["artist"])["toptracks"]["track"]
    assert track.name in [row["name"] for row in best]


def test_lastfm_says_no_with_a_number(lastfm: FakeLastfm) -> None:
    unknown = _known("lastfm", but=True)
    names = {"artist": unknown.artists[0].name, "track": unknown.name}
    given = {"method": "track.getsimilar", "api_key": API_KEY, "format": "json", **names}
    answer = _get(lastfm, "/2.0/", **given)
    assert (answer.status_code, answer.json()["error"]) == (200, 6)
    assert _fm(lastfm, "user.getinfo", user="nobody")["error"] == 6
    assert _fm(lastfm, "no.such")["error"] == 3
    assert _get(lastfm, "/2.0/", method="user.getinfo", api_key="wrong").json()["error"] == 10
    lastfm.requests = 0
    assert _fm(lastfm, "user.getinfo", user="ann")["error"] == 29
    assert lastfm.log.counts()["GET track.getsimilar"] == 1


def test_reccobeats_tells_sound_of_forty_at_a_time(reccobeats: FakeReccoBeats) -> None:
    ids = ",".join(track.id for track in MUSIC.tracks[:40])
    told = _get(reccobeats, "/v1/audio-features", ids=ids).json()["content"]
    known = [track for track in MUSIC.tracks[:40] if MUSIC.knows("reccobeats", track)]
    assert len(told) == len(known) < 40
    assert [row["href"].rpartition("/")[2] for row in told] == [track.id for track in known]
    assert all(0 <= row["energy"] <= 1 and -1 <= row["key"] <= 11 for row in told)
    assert _get(reccobeats, f"/v1/track/{told[0]['id']}/audio-features").json() == told[0]
    by_isrc = _get(reccobeats, "/v1/track", ids=known[0].isrc).json()["content"]
    assert by_isrc[0]["trackTitle"] == known[0].name
    many = ids + "," + MUSIC.tracks[40].id
    assert _get(reccobeats, "/v1/audio-features", ids=many).status_code == 400
    near = _get(reccobeats, "/v1/track/recommendation", seeds=known[0].id, size=10)
    assert len(near.json()["content"]) == 10
    assert _get(reccobeats, "/v1/track/recommendation", seeds=ids, size=10).status_code == 400


def test_a_limit_and_faults_of_any_service() -> None:
    clock = _clock()
    with FakeReccoBeats(MUSIC, clock=clock, requests=2) as service:
        track = _known("reccobeats")
        answers = [_get(service, "/v1/track", ids=track.id) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["Retry-After"] == "10"
        clock.advance(seconds=10)
        service.faults.add(Fault(status=503, retry_after=7))
        refused = _get(service, "/v1/track", ids=track.id)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "7")
        service.faults.add(Fault(half=True))
        with pytest.raises(httpx2.TransportError):
            _get(service, "/v1/track", ids=track.id)
        assert _get(service, "/v1/nothing").status_code == 404


def _token(service: FakeListenBrainz, name: str = "ann") -> dict[str, str]:
    member = service.members.get(name) or service.add_member(name)
    return {"Authorization": f"Token {member.token}"}


def _post(
    service: FakeListenBrainz, path: str, told: Any, headers: dict[str, str]
) -> httpx2.Response:
    return HTTP.post(f"{service.url}{path}", json=told, headers=headers)


def _listen(n: int, at: int | None = None) -> dict[str, Any]:
    track = _known("listenbrainz", n=n)
    names = {"artist_name": track.artists[0].name, "track_name": track.name}
    moment = {} if at is None else {"listened_at": at}
    return {**moment, "track_metadata": names}


def test_listenbrainz_keeps_each_listen_once(listenbrainz: FakeListenBrainz) -> None:
    auth = _token(listenbrainz)

    def submit(kind: str, *rows: Any) -> int:
        told = {"listen_type": kind, "payload": list(rows)}
        return _post(listenbrainz, "/1/submit-listens", told, auth).status_code

    rows = [_listen(n, LISTENED + 60 * n) for n in range(100)]
    assert submit("import", *rows) == 200
    assert submit("import", *rows) == 200
    assert submit("single", rows[0]) == 200
    assert submit("single", *rows[:2]) == 400
    assert submit("import", *(_listen(0, LISTENED + n) for n in range(1_001))) == 400
    assert submit("single", _listen(0, 5)) == 400
    assert submit("single", {"listened_at": LISTENED}) == 400
    assert submit("playing_now", _listen(1)) == 200
    path = "/1/user/ann"
    assert _get(listenbrainz, f"{path}/listen-count").json()["payload"]["count"] == 100
    on = _get(listenbrainz, f"{path}/playing-now").json()["payload"]["listens"][0]
    assert on["playing_now"] is True

    def moments(**query: int) -> list[int]:
        told = _get(listenbrainz, f"{path}/listens", **query).json()["payload"]["listens"]
        return [(row["listened_at"] - LISTENED) // 60 for row in told]

    assert moments(count=3) == [99, 98, 97]
    assert moments(count=3, max_ts=LISTENED + 60 * 50) == [49, 48, 47]
    assert moments(count=3, min_ts=LISTENED + 60 * 50) == [53, 52, 51]
    both = _get(listenbrainz, f"{path}/listens", min_ts=9, max_ts=8)
    assert both.status_code == 400
    told = _get(listenbrainz, f"{path}/listens", count=1).json()["payload"]["listens"][0]
    assert told["track_metadata"]["mbid_mapping"]["recording_mbid"] in MUSIC.by_recording


def test_listenbrainz_wants_a_token(listenbrainz: FakeListenBrainz) -> None:
    auth, wrong = _token(listenbrainz), {"Authorization": "Token wrong"}
    url = f"{listenbrainz.url}/1/validate-token"
    assert HTTP.get(url, headers=auth).json()["user_name"] == "ann"
    assert HTTP.get(url, headers=wrong).json()["valid"] is False
    told = {"listen_type": "single", "payload": [_listen(0, LISTENED)]}
    assert _post(listenbrainz, "/1/submit-listens", told, wrong).status_code == 401
    assert _post(listenbrainz, "/1/submit-listens", told, {}).status_code == 401
    artist = next(iter(MUSIC.artists))
    path = f"/1/popularity/top-recordings-for-artist/{artist}"
    assert _get(listenbrainz, path).status_code == 401
    assert HTTP.get(f"{listenbrainz.url}{path}", headers=auth).json()[0]["total_listen_count"]
    radio = {"prompt": f"tag:({TAGS[0]})", "mode": "easy"}
    assert _get(listenbrainz, "/1/explore/lb-radio", **radio).status_code == 401
    answer = HTTP.get(f"{listenbrainz.url}/1/explore/lb-radio", params=radio, headers=auth)
    assert answer.json()["payload"]["jspf"]["playlist"]["title"].startswith("LB Radio")


def test_listenbrainz_playlists_change_item_by_item(listenbrainz: FakeListenBrainz) -> None:
    auth, other = _token(listenbrainz), _token(listenbrainz, "bob")
    mbids = list(MUSIC.by_recording)[:6]

    def told(*which: str, **more: Any) -> dict[str, Any]:
        tracks = [{"identifier": f"https://musicbrainz.org/recording/{one}"} for one in which]
        return {"playlist": {"track": tracks, **more}}

    def post(path: str, body: Any, headers: dict[str, str] = auth) -> int:
        return _post(listenbrainz, f"/1/playlist/{path}", body, headers).status_code

    made = _post(listenbrainz, "/1/playlist/create", told(*mbids[:3], title="Weekly"), auth)
    mbid = made.json()["playlist_mbid"]
    playlist = listenbrainz.playlists[mbid]
    assert post(f"{mbid}/item/add/1", told(mbids[3])) == 200
    assert playlist.recordings == [mbids[0], mbids[3], mbids[1], mbids[2]]
    assert post(f"{mbid}/item/move", {"mbid": mbids[3], "from": 1, "to": 3, "count": 1}) == 200
    assert playlist.recordings == [*mbids[:4]]
    assert post(f"{mbid}/item/delete", {"index": 0, "count": 2}) == 200
    assert playlist.recordings == mbids[2:4]
    assert post(f"{mbid}/item/add", told(*[mbids[0]] * 101)) == 400
    assert post(f"{mbid}/item/add", told("no-id")) == 400
    assert post(f"{mbid}/item/add", told(mbids[4]), other) == 403
    assert post("create", told(mbids[0])) == 400
    private = {"https://musicbrainz.org/doc/jspf#playlist": {"public": False}}
    assert post(f"edit/{mbid}", told(title="New", extension=private)) == 200
    assert _get(listenbrainz, f"/1/playlist/{mbid}").status_code == 404
    read = HTTP.get(f"{listenbrainz.url}/1/playlist/{mbid}", headers=auth).json()["playlist"]
    assert (read["title"], read["track"][0]["title"]) == ("New", MUSIC.tracks[2].name)
    listed = HTTP.get(f"{listenbrainz.url}/1/user/ann/playlists", headers=auth).json()
    assert (listed["playlist_count"], listed["playlists"][0]["playlist"]["track"]) == (1, [])
    assert _get(listenbrainz, "/1/user/ann/playlists").json()["playlist_count"] == 0
    assert post(f"{mbid}/delete", None) == 200
    assert listenbrainz.playlists == {}


def test_listenbrainz_works_out_what_is_popular_alike_and_recommended(
    listenbrainz: FakeListenBrainz,
) -> None:
    member = listenbrainz.add_member("ann")
    known = MUSIC.mbid("recording", _known("listenbrainz").id)
    unknown = MUSIC.mbid("recording", _known("listenbrainz", but=True).id)
    asked = {"recording_mbids": [known, unknown]}
    counts = _post(listenbrainz, "/1/popularity/recording", asked, {}).json()
    assert counts[0]["total_listen_count"] > 0
    assert counts[1]["total_listen_count"] is None
    artist = next(iter(MUSIC.artists))
    of_artist = _post(listenbrainz, "/1/popularity/artist", {"artist_mbids": [artist]}, {}).json()
    assert of_artist[0]["artist_mbid"] == artist
    assert _post(listenbrainz, "/1/popularity/artist", {"artist_mbids": ["a"]}, {}).is_error
    path = "/1/cf/recommendation/user/ann/recording"
    assert _get(listenbrainz, path).status_code == 204
    member.recommended = [(known, 0.9), (unknown, 0.8)]
    rows = _get(listenbrainz, path, count=1, offset=1).json()["payload"]
    assert [row["recording_mbid"] for row in rows["mbids"]] == [unknown]
    query = {"artist_mbids": artist, "algorithm": ARTIST_ALGORITHM}
    similar = _get(listenbrainz, "/similar-artists/json", **query).json()
    assert {row["reference_mbid"] for row in similar} == {artist}
    query = {"recording_mbids": known, "algorithm": RECORDING_ALGORITHM}
    near = _get(listenbrainz, "/similar-recordings/json", **query).json()
    assert len(near) == 50
    posted = _post(listenbrainz, "/similar-recordings/json", [query], {}).json()
    assert posted == near
    query["algorithm"] = "session_based_days_1"
    assert _get(listenbrainz, "/similar-recordings/json", **query).status_code == 400
    ids = _get(listenbrainz, "/spotify-id-from-mbid/json", recording_mbid=known).json()
    assert ids[0]["spotify_track_ids"] == [_known("listenbrainz").id]
    names = {
        "artist_name": near[0]["artist_credit_name"],
        "recording_name": near[0]["recording_name"],
    }
    found = _get(listenbrainz, "/1/metadata/lookup/", **names).json()
    assert found == {} or found["recording_mbid"] == near[0]["recording_mbid"]
    told = _get(
        listenbrainz, "/1/metadata/recording/", recording_mbids=known, inc="artist tag release"
    )
    assert set(told.json()[known]) == {"recording", "artist", "tag", "release"}


def test_listenbrainz_says_how_much_is_left_of_the_window() -> None:
    clock = _clock()
    with FakeListenBrainz(MUSIC, clock=clock, requests=2) as service:
        token = _token(service)
        path = "/1/user/ann/listen-count"
        left = [_get(service, path).headers["X-RateLimit-Remaining"] for _ in range(2)]
        assert left == ["1", "0"]
        refused = _get(service, path)
        assert refused.status_code == 429
        assert refused.headers["X-RateLimit-Reset-In"] == "10"
        assert HTTP.get(f"{service.url}{path}", headers=token).status_code == 200
        clock.advance(seconds=10)
        assert _get(service, path).status_code == 200


@pytest.fixture
def subsonic() -> Iterator[FakeSubsonic]:
    """One in which time stands still, with two users."""
    with FakeSubsonic(MUSIC, clock=_clock(), users={"ann": "secret", "bob": "word"}) as service:
        yield service


def _rest(service: FakeSubsonic, call: str, *, user: str = "ann", **given: Any) -> Any:
    salt, password = "grain", service.users.get(user, "")
    token = hashlib.md5(f"{password}{salt}".encode()).hexdigest()
    login = {"u": user, "t": token, "s": salt, "v": "1.16.1", "c": "tests", "f": "json"}
    answer = HTTP.post(f"{service.url}/rest/{call}.view", data={**login, **given})
    assert answer.status_code == 200
    return answer.json()["subsonic-response"]


def test_subsonic_keeps_playlists_of_its_own_songs(subsonic: FakeSubsonic) -> None:
    songs = list(subsonic.songs)[:5]
    made = _rest(subsonic, "createPlaylist", name="Weekly", songId=songs[:3])["playlist"]
    assert [row["id"] for row in made["entry"]] == songs[:3]
    edit: dict[str, Any] = {"songIndexToRemove": [0, 1], "songIdToAdd": songs[3:], "comment": "why"}
    assert _rest(subsonic, "updatePlaylist", playlistId=made["id"], **edit)["status"] == "ok"
    told = _rest(subsonic, "getPlaylist", id=made["id"])["playlist"]
    assert [row["id"] for row in told["entry"]] == [songs[2], *songs[3:]]
    assert (told["songCount"], told["comment"], told["owner"]) == (3, "why", "ann")
    again = _rest(subsonic, "createPlaylist", playlistId=made["id"], songId=songs[:1])
    assert (again["playlist"]["id"], again["playlist"]["name"]) == (made["id"], "Weekly")
    assert len(_rest(subsonic, "getPlaylists")["playlists"]["playlist"]) == 1
    assert _rest(subsonic, "getPlaylists", user="bob")["playlists"]["playlist"] == []
    _rest(subsonic, "updatePlaylist", playlistId=made["id"], public="true")
    theirs = _rest(subsonic, "deletePlaylist", user="bob", id=made["id"])
    assert theirs["error"]["code"] == 50
    assert _rest(subsonic, "deletePlaylist", id=made["id"])["status"] == "ok"
    assert _rest(subsonic, "getPlaylist", id=made["id"])["error"]["code"] == 70


def test_subsonic_finds_songs_and_says_no_with_a_number(subsonic: FakeSubsonic) -> None:
    song, track = next(iter(subsonic.songs.items()))
    query = f"{track.name} {track.artists[0].name}"
    found = _rest(subsonic, "search3", query=query)["searchResult3"]["song"]
    assert song in [row["id"] for row in found]
    assert _rest(subsonic, "getSong", id=song)["song"]["isrc"] == [track.isrc]
    assert _rest(subsonic, "search3", query="no such thing")["searchResult3"] == {}
    missing = subsonic.song_id(_known("subsonic", but=True))
    assert _rest(subsonic, "createPlaylist", name="x", songId=missing)["error"]["code"] == 70
    assert _rest(subsonic, "createPlaylist")["error"]["code"] == 10
    assert _rest(subsonic, "search3", query="a", songCount="many")["error"]["code"] == 10
    assert _rest(subsonic, "ping", user="eve")["error"]["code"] == 40
    assert _rest(subsonic, "ping", t="", p="secret")["status"] == "ok"
    assert _rest(subsonic, "ping", t="", p="wrong")["error"]["code"] == 40
    assert HTTP.get(f"{subsonic.url}/rest/ping").json()["subsonic-response"]["error"]["code"] == 10
