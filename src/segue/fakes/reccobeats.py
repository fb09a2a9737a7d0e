"""A stand-in for ReccoBeats: audio features and tracks by Spotify id or ISRC, at most 40 a call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from segue.fakes.catalogue import Track
from segue.fakes.fake_service import FakeService, Page, RefusedError
from segue.fakes.messages import Answer, Request, as_json

__all__ = ["FakeReccoBeats"]

_AT_ONCE: Final = 40
_SEEDS: Final = 5
_MOST: Final = 100


class FakeReccoBeats(FakeService):
    """/v1/audio-features, /v1/track and /v1/track/recommendation; limits are its own guess."""

    limit = (30, 10.0)

    def pages(self) -> Sequence[tuple[str, str, Page]]:
        """What can be asked."""
        return (
            ("GET", "/v1/audio-features", self._features),
            ("GET", "/v1/track", self._tracks),
            ("GET", "/v1/track/recommendation", self._recommendation),
            ("GET", "/v1/track/{id}", self._track),
            ("GET", "/v1/track/{id}/audio-features", self._features_of),
        )

    def refusal(self, error: RefusedError) -> Answer:
        """As JSON, the way its framework says it."""
        told = {
            "timestamp": self.clock.now().isoformat(timespec="milliseconds"),
            "error": error.message,
            "status": error.status,
        }
        return as_json(told, error.status, error.headers)

    def too_many(self, seconds: int) -> RefusedError:
        """429 with Retry-After."""
        return RefusedError(429, "Too Many Requests", retry_after=str(seconds))

    def _features(self, request: Request) -> Answer:
        return as_json({"content": [self._sound(track) for track in self._asked(request)]})

    def _tracks(self, request: Request) -> Answer:
        return as_json({"content": [self._told(track) for track in self._asked(request)]})

    def _track(self, request: Request) -> Answer:
        return as_json(self._told(self._one(request.words["id"])))

    def _features_of(self, request: Request) -> Answer:
        return as_json(self._sound(self._one(request.words["id"])))

    def _recommendation(self, request: Request) -> Answer:
        seeds, size = request.every("seeds"), request.query.get("size", "")
        if not 1 <= len(seeds) <= _SEEDS:
            raise RefusedError(400, f"seeds: 1 to {_SEEDS} are allowed")
        if not size.isdecimal() or not 1 <= int(size) <= _MOST:
            raise RefusedError(400, f"size: 1 to {_MOST} is allowed")
        found: dict[str, Track] = {}
        for seed in seeds:
            for track in self._found(seed):
                found |= {near.id: near for near, _ in self.music.similar_tracks(track)}
        rows = [track for track in found.values() if self.music.knows("reccobeats", track)]
        return as_json({"content": [self._told(track) for track in rows[: int(size)]]})

    def _asked(self, request: Request) -> list[Track]:
        """What is known of the ids that are asked for; the others are left out without a word."""
        ids = request.every("ids")
        if not 1 <= len(ids) <= _AT_ONCE:
            raise RefusedError(400, f"ids: 1 to {_AT_ONCE} are allowed")
        found = {track.id: track for one in ids for track in self._found(one)}
        return list(found.values())

    def _found(self, asked: str) -> list[Track]:
        track = (
            self.music.by_isrc.get(asked)
            or self._by_own_id.get(asked)
            or self.music.catalogue.get(asked)
        )
        known = track is not None and self.music.knows("reccobeats", track)
        return [track] if track is not None and known else []

    def _one(self, asked: str) -> Track:
        track = self._by_own_id.get(asked)
        if track is None or not self.music.knows("reccobeats", track):
            raise RefusedError(404, "Track not found")
        return track

    @cached_property
    def _by_own_id(self) -> dict[str, Track]:
        return {self._id(track): track for track in self.music.tracks}

    def _id(self, track: Track) -> str:
        return self.music.mbid("reccobeats", track.id)

    def _sound(self, track: Track) -> dict[str, Any]:
        number = self.music.listens(track)
        return {
            "id": self._id(track),
            "href": f"https://open.spotify.com/track/{track.id}",
            "isrc": track.isrc,
            **self.music.sound(track),
            "key": number % 13 - 1,
            "mode": number % 2,
        }

    def _told(self, track: Track) -> dict[str, Any]:
        return {
            "id": self._id(track),
            "trackTitle": track.name,
            "artists": [
                {
                    "id": self.music.mbid("reccobeats artist", artist.id),
                    "name": artist.name,
                    "href": f"https://open.spotify.com/artist/{artist.id}",
                }
                for artist in track.artists
            ],
            "durationMs": track.duration_ms,
            "isrc": track.isrc,
            "ean": None,
            "upc": None,
            "href": f"https://open.spotify.com/track/{track.id}",
            "availableCountries": "GB,SE",
            "popularity": min(100, self.music.listens(track) // 1_000),
        }
