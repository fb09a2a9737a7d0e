"""ListenBrainz' API, as far as Segue reads plays from it."""

from __future__ import annotations

import hashlib
from typing import Any, Final
from urllib.parse import quote

from segue.errors import ServiceDownError, ServiceError
from segue.services.json_service import JsonService
from segue.services.scrobbles import Page, Scrobbled

__all__ = ["LISTENBRAINZ", "ListenBrainzService"]

LISTENBRAINZ: Final = "ListenBrainz"
_PAGE: Final = 1_000
_BRIEF: Final = 100
_MISSING: Final = 404


class ListenBrainzService:
    """Asks ListenBrainz.

    Args:
        service: Asks, with the user's token where there is one.
        purpose: What requests count for.
    """

    name: str = LISTENBRAINZ
    source: str = "listenbrainz"
    skips: bool = False

    def __init__(self, service: JsonService, purpose: str) -> None:
        self._service = service
        self._purpose = purpose

    @property
    def requests(self) -> int:
        """How many were made so far."""
        return self._service.requests

    def page(self, account: str, *, until: int | None, skip: int = 0, brief: bool = False) -> Page:
        """Plays that began at a moment or before; see `ScrobbleService`."""
        if skip:
            raise ValueError("ListenBrainz has no pages but by time")
        query: dict[str, int] = {"count": _BRIEF if brief else _PAGE}
        if until is not None:
            query["max_ts"] = until + 1  # what began then is left out
        told = self._of(account, "listens", query)
        records = told.get("listens")
        if not isinstance(records, list):
            raise _strange("listens")
        heard = [one for one in records if not (isinstance(one, dict) and one.get("playing_now"))]
        rows = tuple(Scrobbled(_at(one), _key(one), one) for one in heard)
        oldest = told.get("oldest_listen_ts")
        reached = min((row.at for row in rows if row.at is not None), default=None)
        full = len(rows) >= query["count"]
        older = isinstance(oldest, int) and (reached is None or reached > oldest)
        more = bool(rows) and (full or older)
        return Page(rows, len(records) - len(heard), more)

    def count(self, account: str) -> int | None:
        """How many listens there are."""
        found = self._of(account, "listen-count", {}).get("count")
        return found if isinstance(found, int) else None

    def _of(self, account: str, what: str, query: dict[str, int]) -> dict[str, Any]:
        path = f"/1/user/{quote(account, safe='')}/{what}"
        try:
            told = self._service.ask("GET", path, purpose=self._purpose, query=query)
        except ServiceError as error:
            if error.status != _MISSING:
                raise
            raise ServiceError(
                f"{LISTENBRAINZ} knows no user “{account}”",
                service=LISTENBRAINZ,
                status=_MISSING,
                cure="Is listenbrainz.user right? It is the name in listenbrainz.org/user/NAME.",
            ) from error
        payload = told.get("payload") if isinstance(told, dict) else None
        if not isinstance(payload, dict):
            raise _strange(what)
        return payload


def _strange(what: str) -> ServiceDownError:
    return ServiceDownError(
        f"{LISTENBRAINZ} answered {what} with something else",
        service=LISTENBRAINZ,
        cure="Wait a little and run it again.",
    )


def _at(record: Any) -> int | None:
    at = record.get("listened_at") if isinstance(record, dict) else None
    return at if isinstance(at, int) and not isinstance(at, bool) else None


def _key(record: Any) -> str:
    told = record.get("track_metadata") if isinstance(record, dict) else None
    told = told if isinstance(told, dict) else {}
    mapped = told.get("mbid_mapping")
    mbid = mapped.get("recording_mbid") if isinstance(mapped, dict) else None
    text = repr((_at(record), told.get("artist_name"), told.get("track_name"), mbid))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
