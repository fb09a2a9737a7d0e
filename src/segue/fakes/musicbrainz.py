"""A stand-in for MusicBrainz: recordings by ISRC, by id and by words, one request a second."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from segue.fakes.catalogue import Artist, Track
from segue.fakes.fake_service import FakeService, Page, RefusedError, whole
from segue.fakes.messages import Answer, Request, as_json

__all__ = ["FakeMusicBrainz"]

_HELP: Final = "For usage, please see: https://musicbrainz.org/development/mmd"
_ISRC: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}\Z")
# A User-Agent has to name the application and a way to reach who runs it.
_NAMED: Final = re.compile(r".+/\S+.*\(.*(@|://).*\)")
_TERM: Final = re.compile(r'(\w+):(?:"([^"]*)"|(\S+))')
_TWO_RECORDINGS: Final = 20  # of so many tracks the ISRC of one stands for two recordings


class FakeMusicBrainz(FakeService):
    """/ws/2/isrc, /ws/2/recording and /ws/2/artist, as JSON."""

    limit = (1, 0.9)

    def pages(self) -> Sequence[tuple[str, str, Page]]:
        """What can be asked."""
        return (
            ("GET", "/ws/2/isrc/{isrc}", self._isrc),
            ("GET", "/ws/2/recording/?", self._search),
            ("GET", "/ws/2/recording/{mbid}", self._recording),
            ("GET", "/ws/2/artist/{mbid}", self._artist),
        )

    def refusal(self, error: RefusedError) -> Answer:
        """As JSON, with a hint at the manual."""
        told = {"error": error.message, "help": _HELP}
        return as_json(told, error.status, error.headers)

    def too_many(self, seconds: int) -> RefusedError:
        """503, not 429."""
        return RefusedError(
            503,
            "Your requests are exceeding the allowable rate limit. "
            "Please see https://wiki.musicbrainz.org/XMLWebService for more information.",
            retry_after=str(seconds),
        )

    def _isrc(self, request: Request) -> Answer:
        wanted = self._wanted(request)
        isrc = request.words["isrc"].upper()
        if not _ISRC.match(isrc):
            raise RefusedError(400, "Invalid isrc.")
        track = self.music.by_isrc.get(isrc)
        if track is None or not self.music.knows("musicbrainz", track):
            raise RefusedError(404, "Not Found")
        told = [self._told(track, wanted)]
        if self.music.tracks.index(track) % _TWO_RECORDINGS == _TWO_RECORDINGS - 1:
            other = self.music.mbid("recording", f"{track.id} again")
            told.append({**told[0], "id": other, "disambiguation": "remaster"})
        return as_json({"isrc": isrc, "recordings": told})

    def _recording(self, request: Request) -> Answer:
        wanted = self._wanted(request)
        track = self.music.by_recording.get(request.words["mbid"])
        if track is None or not self.music.knows("musicbrainz", track):
            raise RefusedError(404, "Not Found")
        return as_json(self._told(track, wanted))

    def _artist(self, request: Request) -> Answer:
        wanted = self._wanted(request)
        artist = self.music.artists.get(request.words["mbid"])
        if artist is None:
            raise RefusedError(404, "Not Found")
        told = {**self._named(artist), "type": "Group", "country": "GB", "life-span": {}}
        return as_json({**told, **self._tagged(artist, wanted)})

    def _search(self, request: Request) -> Answer:
        self._wanted(request)
        terms = {
            name: (quoted or word).casefold()
            for name, quoted, word in _TERM.findall(request.query.get("query", ""))
        }
        if not terms:
            raise RefusedError(400, "No query parameter was given.")
        limit, offset = whole(request, "limit", 25, 100), whole(request, "offset", 0)
        found = [
            track
            for track in self.music.tracks
            if self.music.knows("musicbrainz", track) and _fits(track, terms)
        ]
        page = found[offset : offset + limit]
        told = [
            {**self._told(track, frozenset({"artist-credits", "isrcs"})), "score": 100 - n}
            for n, track in enumerate(page)
        ]
        made = self.clock.now().isoformat(timespec="milliseconds")
        return as_json({"created": made, "count": len(found), "offset": offset, "recordings": told})

    def _wanted(self, request: Request) -> frozenset[str]:
        if not _NAMED.match(request.headers.get("user-agent", "")):
            raise RefusedError(
                403, "Your User-Agent has to name your application and how to reach you."
            )
        if request.query.get("fmt") != "json" and "application/json" not in request.headers.get(
            "accept", ""
        ):
            raise RefusedError(406, "ask for JSON: fmt=json; this stand-in has no XML")
        return frozenset(request.query.get("inc", "").replace("+", " ").split())

    def _told(self, track: Track, wanted: frozenset[str]) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": self.music.mbid("recording", track.id),
            "title": track.name,
            "length": track.duration_ms,
            "disambiguation": "",
            "video": False,
            "first-release-date": track.album.released,
        }
        if wanted & {"artist-credits", "artists"}:
            told["artist-credit"] = [
                {
                    "name": artist.name,
                    "joinphrase": " feat. " if n + 1 < len(track.artists) else "",
                    "artist": self._named(artist),
                }
                for n, artist in enumerate(track.artists)
            ]
        if "isrcs" in wanted:
            told["isrcs"] = [track.isrc]
        if "releases" in wanted:
            told["releases"] = [
                {
                    "id": self.music.mbid("release", track.album.id),
                    "title": track.album.name,
                    "status": "Official",
                    "date": track.album.released,
                    "country": "GB",
                }
            ]
        return {**told, **self._tagged(track.artists[0], wanted)}

    def _named(self, artist: Artist) -> dict[str, Any]:
        return {
            "id": self.music.mbid("artist", artist.id),
            "name": artist.name,
            "sort-name": artist.name,
            "disambiguation": "",
        }

    def _tagged(self, artist: Artist, wanted: frozenset[str]) -> dict[str, Any]:
        votes = [{"name": name, "count": count // 10} for name, count in self.music.tags(artist)]
        told: dict[str, Any] = {"tags": votes} if "tags" in wanted else {}
        if "genres" in wanted:
            told["genres"] = [
                {**vote, "id": self.music.mbid("genre", str(vote["name"])), "disambiguation": ""}
                for vote in votes
            ]
        return told


def _fits(track: Track, terms: dict[str, str]) -> bool:
    has = {
        "isrc": track.isrc.casefold(),
        "recording": track.name.casefold(),
        "artist": " ".join(artist.name for artist in track.artists).casefold(),
        "release": track.album.name.casefold(),
    }
    return all(name in has and word in has[name] for name, word in terms.items())
