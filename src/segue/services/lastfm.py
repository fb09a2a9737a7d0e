"""Last.fm's API, as far as Segue reads it: what somebody played, tags, what is alike."""

from __future__ import annotations

import hashlib
import logging
import re
from typing import Any, Final

from segue.errors import ServiceDownError, ServiceError, SignInError
from segue.services.json_service import JsonService
from segue.services.scrobbles import Page, Scrobbled

__all__ = ["LASTFM", "LastfmService", "explained", "hide_keys"]

LASTFM: Final = "Last.fm"
_PATH: Final = "/2.0/"
_PAGE: Final = 200
_BRIEF: Final = 50
_NOT_NOW: Final = ("", "false", "0")
_KEY: Final = re.compile(r"(api_key=)[^&\s\"']+")

_UNKNOWN: Final = 6
_BAD_KEYS: Final = (4, 9, 10, 13, 14, 26)
_HIDDEN: Final = 17
_LATER: Final = (8, 11, 16)
_TOO_MANY: Final = 29
_MISSING: Final = 404
_BLOCKED: Final = 429


class _HidesKeys(logging.Filter):
    """Takes keys out of the addresses that the HTTP library logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, without keys."""
        text = record.getMessage()
        if "api_key=" in text:
            record.msg, record.args = _KEY.sub(r"\1…", text), ()
        return True


_FILTER: Final = _HidesKeys()


def hide_keys() -> None:
    """Keep keys out of whatever log the HTTP library writes: Last.fm wants them in the address."""
    for name in ("httpx2", "httpcore2"):
        logging.getLogger(name).addFilter(_FILTER)


def explained(status: int, told: Any) -> ServiceError | None:
    """The error in an answer, which Last.fm numbers, some of them with status 200."""
    number = told.get("error") if isinstance(told, dict) else None
    if not isinstance(number, int):
        return None
    said = f"{LASTFM} refuses (error {number}: {str(told.get('message', ''))[:150]})"
    if number in _BAD_KEYS:
        cure = "Is lastfm.api_key (LASTFM_API_KEY) right? Keys: https://www.last.fm/api/accounts."
        return SignInError(said, service=LASTFM, status=status, cure=cure)
    if number == _HIDDEN:
        cure = (
            "Its owner hides what they play: at last.fm/settings/privacy, let recent listening be"
            " seen."
        )
        return SignInError(said, service=LASTFM, status=status, cure=cure)
    if number in _LATER:
        cure = "Wait a little and run it again."
        return ServiceDownError(said, service=LASTFM, status=status, cure=cure)
    if number == _TOO_MANY:
        return ServiceError(said, service=LASTFM, status=_BLOCKED)
    return ServiceError(said, service=LASTFM, status=_MISSING if number == _UNKNOWN else status)


class LastfmService:
    """Asks Last.fm.

    Args:
        service: Asks, with the key in every request.
        purpose: What requests count for.
    """

    name: str = LASTFM
    source: str = "lastfm"
    skips: bool = True

    def __init__(self, service: JsonService, purpose: str) -> None:
        self._service = service
        self._purpose = purpose

    @property
    def requests(self) -> int:
        """How many were made so far."""
        return self._service.requests

    def ask(self, method: str, **query: str | int) -> dict[str, Any]:
        """What a method answers.

        Raises:
            ServiceError: See `JsonService.ask`; status 404 where nothing is known of it.
        """
        told = self._service.ask(
            "GET", _PATH, purpose=self._purpose, query={"method": method, **query}
        )
        if not isinstance(told, dict):
            raise _strange(method)
        return told

    def page(self, account: str, *, until: int | None, skip: int = 0, brief: bool = False) -> Page:
        """Plays that began at a moment or before; see `ScrobbleService`."""
        limit = _BRIEF if brief else _PAGE
        query: dict[str, str | int] = {"user": account, "limit": limit, "page": skip + 1}
        if until is not None:
            # Whether “to” is among the answers is not documented: a second more is asked for.
            query["to"] = until + 1
        try:
            told = self.ask("user.getRecentTracks", **query).get("recenttracks")
        except ServiceError as error:
            if error.status != _MISSING:
                raise
            raise ServiceError(
                f"{LASTFM} knows no user “{account}”",
                service=LASTFM,
                status=_MISSING,
                cure="Is lastfm.user right? It is the name in last.fm/user/NAME.",
            ) from error
        if not isinstance(told, dict) or not isinstance(told.get("@attr"), dict):
            raise _strange("user.getRecentTracks")
        records = told.get("track", [])
        records = records if isinstance(records, list) else [records]
        heard = [one for one in records if not _plays_now(one)]
        attributes = told["@attr"]
        pages, total = _whole(attributes.get("totalPages")), _whole(attributes.get("total"))
        more = skip + 1 < pages if pages is not None else bool(heard)
        if not heard and more:
            raise _strange("user.getRecentTracks")  # an empty page in the middle: not the end
        rows = tuple(Scrobbled(_at(one), _key(one), one) for one in heard)
        return Page(rows, len(records) - len(heard), more, total)

    def count(self, account: str) -> int | None:
        """Told with every page."""
        del account
        return None


def _strange(method: str) -> ServiceDownError:
    return ServiceDownError(
        f"{LASTFM} answered {method} with something else",
        service=LASTFM,
        cure="Wait a little and run it again.",
    )


def _plays_now(record: Any) -> bool:
    attributes = record.get("@attr") if isinstance(record, dict) else None
    playing = attributes.get("nowplaying") if isinstance(attributes, dict) else None
    return str(playing or "").casefold() not in _NOT_NOW


def _at(record: Any) -> int | None:
    date = record.get("date") if isinstance(record, dict) else None
    return _whole(date.get("uts")) if isinstance(date, dict) else None


def _key(record: Any) -> str:
    if not isinstance(record, dict):
        return _short(repr(record))
    names = ((record.get("artist") or {}), record.get("name"), record.get("album"))
    return _short(repr((_at(record), *names, record.get("mbid"))))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
