"""A stand-in for Last.fm: what users scrobbled, what is alike, tags; five requests a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from segue.fakes.catalogue import Track
from segue.fakes.clock import Clock
from segue.fakes.fake_service import FakeService, Page, RefusedError, whole
from segue.fakes.messages import Answer, Request, as_json
from segue.fakes.open_music import OpenMusic

__all__ = ["FakeLastfm", "Scrobble"]

API_KEY: Final = "0123456789abcdef0123456789abcdef"
_MOST_PLAYS: Final = 200


@dataclass(frozen=True, slots=True, order=True)
class Scrobble:
    """A play that was reported."""

    at: datetime
    artist: str
    title: str
    album: str = ""


@dataclass
class _Listener:
    scrobbles: list[Scrobble] = field(default_factory=list)
    now_playing: Scrobble | None = None
    hidden: bool = False


class FakeLastfm(FakeService):
    """Everything is at /2.0/; `method` says what is wanted. Numbers come as text.

    Two habits of the real one are kept: a list of one play is no list, and what is on now comes
    first on every page, without a date and beside the limit.
    """

    limit = (5, 1.0)

    def __init__(
        self,
        music: OpenMusic | None = None,
        *,
        clock: Clock | None = None,
        requests: int | None = None,
        port: int = 0,
        api_key: str = API_KEY,
    ) -> None:
        super().__init__(music, clock=clock, requests=requests, port=port)
        self.api_key = api_key
        self.listeners: dict[str, _Listener] = {}

    def scrobbled(self, user: str, *plays: Scrobble) -> None:
        """Let a user have played something."""
        listener = self.listeners.setdefault(user.casefold(), _Listener())
        listener.scrobbles = sorted({*listener.scrobbles, *plays})

    def plays_now(self, user: str, play: Scrobble | None) -> None:
        """Let something be on."""
        self.listeners.setdefault(user.casefold(), _Listener()).now_playing = play

    def pages(self) -> Sequence[tuple[str, str, Page]]:
        """What can be asked."""
        return (("GET", "/2.0/?", self._ask), ("POST", "/2.0/?", self._ask))

    def route_of(self, request: Request) -> str:
        """The method that is asked for, rather than the one path that there is."""
        return request.query.get("method", "").lower() or request.path

    def refusal(self, error: RefusedError) -> Answer:
        """A number and a message."""
        told = {"message": error.message, "error": error.code or 8}
        return as_json(told, error.status, error.headers)

    def too_many(self, seconds: int) -> RefusedError:
        """Error 29; it does not say for how long."""
        del seconds
        return RefusedError(429, "Rate Limit Exceeded - Your IP has made too many requests", 29)

    def _ask(self, request: Request) -> Answer:
        if request.query.get("api_key") != self.api_key:
            raise RefusedError(
                403, "Invalid API key - You must be granted a valid key by last.fm", 10
            )
        if request.query.get("format") != "json":
            raise RefusedError(400, "Invalid format - this stand-in has no XML", 5)
        method = self._methods.get(request.query.get("method", "").lower())
        if method is None:
            raise RefusedError(400, "Invalid Method - No method with that name in this package", 3)
        return as_json(method(request))

    @property
    def _methods(self) -> Mapping[str, Callable[[Request], Any]]:
        return {
            "user.getrecenttracks": self._recent,
            "user.getinfo": self._user_info,
            "track.getsimilar": self._similar_tracks,
            "track.gettoptags": self._track_tags,
            "track.getinfo": self._track_info,
            "artist.getsimilar": self._similar_artists,
            "artist.gettoptags": self._artist_tags,
            "artist.gettoptracks": self._artist_tracks,
        }

    def _listener(self, request: Request) -> _Listener:
        name = request.query.get("user", "")
        if not name:
            raise RefusedError(400, "Invalid parameters - Your request is missing a parameter", 6)
        listener = self.listeners.get(name.casefold())
        if listener is None:
            raise RefusedError(404, "User not found", 6)
        if listener.hidden:
            raise RefusedError(403, "Login: User required to be logged in", 17)
        return listener

    def _recent(self, request: Request) -> Any:
        listener = self._listener(request)
        first, last = whole(request, "from", 0), whole(request, "to", 2**40)
        fitting = [
            play for play in reversed(listener.scrobbles) if first <= play.at.timestamp() <= last
        ]
        limit, page = whole(request, "limit", 50, _MOST_PLAYS) or 50, whole(request, "page", 1) or 1
        rows = [self._play(play) for play in fitting[(page - 1) * limit : page * limit]]
        if listener.now_playing is not None:
            on = self._play(listener.now_playing)
            del on["date"]
            rows.insert(0, {**on, "@attr": {"nowplaying": "true"}})
        told = {
            "user": request.query["user"],
            "page": str(page),
            "perPage": str(limit),
            "total": str(len(fitting)),
            "totalPages": str(-(-len(fitting) // limit)),
        }
        return {"recenttracks": {"track": rows[0] if len(rows) == 1 else rows, "@attr": told}}

    def _play(self, play: Scrobble) -> dict[str, Any]:
        track = self.music.named(play.artist, play.title)
        known = track is not None and self.music.knows("lastfm", track)
        mbid = self.music.mbid("recording", track.id) if track is not None and known else ""
        return {
            "artist": {"mbid": self.music.artist_named(play.artist), "#text": play.artist},
            "streamable": "0",
            "image": [],
            "mbid": mbid,
            "album": {"mbid": "", "#text": play.album},
            "name": play.title,
            "url": _url(play.artist, play.title),
            "date": {
                "uts": str(int(play.at.timestamp())),
                "#text": play.at.strftime("%d %b %Y, %H:%M"),
            },
        }

    def _user_info(self, request: Request) -> Any:
        listener = self._listener(request)
        return {
            "user": {
                "name": request.query["user"],
                "playcount": str(len(listener.scrobbles)),
                "registered": {"unixtime": "1104537600", "#text": 1104537600},
            }
        }

    def _track(self, request: Request) -> Track:
        mbid = request.query.get("mbid", "")
        track = self.music.by_recording.get(mbid) or self.music.named(
            request.query.get("artist", ""), request.query.get("track", "")
        )
        if track is None or not self.music.knows("lastfm", track):
            raise RefusedError(200, "Track not found", 6)  # with an error in the body alone
        return track

    def _artist(self, request: Request) -> str:
        mbid = request.query.get("mbid") or self.music.artist_named(request.query.get("artist", ""))
        if mbid not in self.music.artists:
            raise RefusedError(200, "The artist you supplied could not be found", 6)
        return mbid

    def _similar_tracks(self, request: Request) -> Any:
        track, limit = self._track(request), whole(request, "limit", 100)
        found = [
            {
                **self._short(other),
                "playcount": self.music.listens(other),
                "match": round(share, 6),
                "duration": other.duration_ms // 1000,
            }
            for other, share in self.music.similar_tracks(track)[:limit]
        ]
        return {"similartracks": {"track": found, "@attr": {"artist": track.artists[0].name}}}

    def _short(self, track: Track) -> dict[str, Any]:
        artist = track.artists[0]
        return {
            "name": track.name,
            "mbid": self.music.mbid("recording", track.id),
            "url": _url(artist.name, track.name),
            "streamable": {"#text": "0", "fulltrack": "0"},
            "artist": {
                "name": artist.name,
                "mbid": self.music.mbid("artist", artist.id),
                "url": _url(artist.name),
            },
            "image": [],
        }

    def _similar_artists(self, request: Request) -> Any:
        mbid, limit = self._artist(request), whole(request, "limit", 100)
        found = [
            {
                "name": self.music.artists[other].name,
                "mbid": other,
                "match": f"{share:.6f}",
                "url": _url(self.music.artists[other].name),
                "image": [],
                "streamable": "0",
            }
            for other, share in self.music.similar_artists(mbid)[:limit]
        ]
        told = {"artist": self.music.artists[mbid].name}
        return {"similarartists": {"artist": found, "@attr": told}}

    def _track_tags(self, request: Request) -> Any:
        track = self._track(request)
        told = {"artist": track.artists[0].name, "track": track.name}
        return {"toptags": {"tag": self._tags(track.artists[0].name), "@attr": told}}

    def _artist_tags(self, request: Request) -> Any:
        name = self.music.artists[self._artist(request)].name
        return {"toptags": {"tag": self._tags(name), "@attr": {"artist": name}}}

    def _tags(self, artist: str) -> list[dict[str, Any]]:
        found = self.music.tags(self.music.artists[self.music.artist_named(artist)])
        return [{"count": count, "name": name, "url": _url("tag", name)} for name, count in found]

    def _track_info(self, request: Request) -> Any:
        track = self._track(request)
        listens = self.music.listens(track)
        tags = [
            {"name": tag["name"], "url": tag["url"]} for tag in self._tags(track.artists[0].name)
        ]
        return {
            "track": {
                **self._short(track),
                "duration": str(track.duration_ms),
                "listeners": str(listens // 3),
                "playcount": str(listens),
                "album": {"artist": track.artists[0].name, "title": track.album.name},
                "toptags": {"tag": tags},
            }
        }

    def _artist_tracks(self, request: Request) -> Any:
        mbid, limit = self._artist(request), whole(request, "limit", 50)
        best = sorted(self.music.by_artist[mbid], key=self.music.listens, reverse=True)[:limit]
        found = [
            {
                **self._short(track),
                "playcount": str(self.music.listens(track)),
                "listeners": str(self.music.listens(track) // 3),
                "@attr": {"rank": str(n + 1)},
            }
            for n, track in enumerate(best)
        ]
        return {"toptracks": {"track": found, "@attr": {"artist": self.music.artists[mbid].name}}}


def _url(*names: str) -> str:
    return "https://www.last.fm/music/" + "/_/".join(name.replace(" ", "+") for name in names)
