"""Collect what was played, from every service that Segue knows an account at."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from segue.errors import ConfigError, SegueError
from segue.flows.accounts import AccountThere, accounts_at
from segue.flows.wiring import Wiring
from segue.music.account import Account
from segue.progress import Progress, Silent

if TYPE_CHECKING:
    from segue.flows.scrobbles.read import Reading, ReadPlays
    from segue.flows.spotify.poll import PollReport
    from segue.services.scrobbles import ScrobbleService

__all__ = ["SOURCES", "CollectReport", "Collected", "Gap", "collect", "configured"]

_log = logging.getLogger(__name__)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SOURCES: Final = ("spotify", "lastfm", "listenbrainz")
_NEXT: Final = (
    "Sign in with segue spotify login; or set SEGUE_LASTFM__USER and LASTFM_API_KEY; or set"
    " SEGUE_LISTENBRAINZ__USER."
)


@dataclass(frozen=True, slots=True)
class Gap:
    """Plays that may be missing.

    Args:
        since: After this moment; None: nobody knows.
        until: Before this moment; None: nobody knows.
        plays: How many; None: nobody knows.
        why: In words, and what helps.
    """

    since: datetime | None
    until: datetime | None
    plays: int | None
    why: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "since": _iso(self.since),
            "until": _iso(self.until),
            "plays": self.plays,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of one account at one service.

    Args:
        source: One of `SOURCES`.
        user_id: Whose plays they are here.
        name: Of the account there; empty: it was not needed.
        account: What became of the plays that were read.
        skipped: Podcasts, nameless things and what is only being played now.
        latest: The newest play that was ever read; None: there is none.
        unread_until: Plays up to this moment are still to be read; the next time goes on. None: all
            were read.
        gaps: Where plays may be missing.
        requests: How many were made.
        error: Why it stopped; what was read before is kept. None: it did not.
    """

    source: str
    user_id: str
    name: str = ""
    account: Account = field(default_factory=Account)
    skipped: int = 0
    latest: datetime | None = None
    unread_until: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    requests: int = 0
    error: SegueError | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "source": self.source,
            "user": self.user_id,
            "name": self.name,
            **self.account.as_dict(),
            "skipped": self.skipped,
            "latest": _iso(self.latest),
            "unread_until": _iso(self.unread_until),
            "gaps": [gap.as_dict() for gap in self.gaps],
            "requests": self.requests,
            "error": None if self.error is None else self.error.message,
            "cure": None if self.error is None else self.error.cure,
        }


@dataclass(frozen=True, slots=True)
class CollectReport:
    """What one look at every service brought, an entry for each account."""

    collected: tuple[Collected, ...]

    @property
    def kept(self) -> int:
        """Plays that are new to the lake."""
        return sum(one.account.kept for one in self.collected)

    @property
    def failed(self) -> tuple[Collected, ...]:
        """Those that were stopped."""
        return tuple(one for one in self.collected if one.error is not None)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"kept": self.kept, "sources": [one.as_dict() for one in self.collected]}


def configured(wiring: Wiring, clock: Callable[[], datetime]) -> tuple[str, ...]:
    """The services that plays are collected from: there is an account, and it is wanted."""
    from segue.flows.spotify.sign_in import sign_ins

    told = wiring.settings
    ready = {
        "spotify": bool(sign_ins(wiring.spotify(clock))),
        "lastfm": any(one.secret for one in accounts_at(wiring, "lastfm")),
        "listenbrainz": bool(accounts_at(wiring, "listenbrainz")),
    }
    return tuple(name for name in SOURCES if name in told.collect.sources and ready[name])


def collect(
    wiring: Wiring,
    *,
    clock: Callable[[], datetime],
    sources: Sequence[str] = (),
    since: datetime | None = None,
    progress: Progress | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> CollectReport:
    """Collect what was played since the last time; the fault of one service stops no other.

    Args:
        clock: The time, aware UTC.
        sources: Some of `SOURCES`; default: all that are configured.
        since: Read plays from here on again, of Last.fm and ListenBrainz.
        progress: Told how many plays were read.
        pause: Waits for so many seconds between two requests.

    Returns:
        An entry for each account, with its error where it was stopped.

    Raises:
        ConfigError: No service is configured, or one that was asked for is not.
    """
    progress = progress or Silent()
    wanted = tuple(dict.fromkeys(sources)) or configured(wiring, clock)
    if not wanted:
        raise ConfigError("there is nothing to collect from", field="source", cure=_NEXT)
    for name in wanted:
        _check(wiring, name)
    found: list[Collected] = []
    for name in wanted:
        if name == "spotify":
            found += _from_spotify(wiring, clock)
        else:
            found += [
                _from_scrobbles(wiring, account, clock, since, progress, pause)
                for account in accounts_at(wiring, name)
            ]
    return CollectReport(tuple(found))


def _check(wiring: Wiring, name: str) -> None:
    """Say now, before anything is asked, what is not set."""
    if name not in SOURCES:
        raise ConfigError(
            f"plays cannot be collected from “{name}”",
            field="source",
            cure=f"Choose among: {', '.join(SOURCES)}.",
        )
    if name == "spotify":
        return
    accounts = accounts_at(wiring, name)
    if not accounts:
        raise _unset(f"{name}.user", f"Set SEGUE_{name.upper()}__USER to your name there.")
    if name == "lastfm" and not all(one.secret for one in accounts):
        cure = "Get a key from https://www.last.fm/api/account/create and set LASTFM_API_KEY."
        raise _unset("lastfm.api_key", cure)


def _unset(field_name: str, cure: str) -> ConfigError:
    return ConfigError(f"{field_name} is not set", field=field_name, cure=cure)


def _from_spotify(wiring: Wiring, clock: Callable[[], datetime]) -> list[Collected]:
    from segue.flows.spotify.poll import poll_everybody
    from segue.flows.spotify.sign_in import sign_ins

    house = wiring.spotify(clock)
    users = tuple(one.user_id for one in sign_ins(house)) or (wiring.settings.user_id,)
    return [_of_poll(report) for report in poll_everybody(house, wiring.lake, users)]


def _of_poll(report: PollReport) -> Collected:
    gaps: tuple[Gap, ...] = ()
    if report.gap is not None:
        why = "Spotify tells the last 50 plays; collect more often, or import your export later"
        gaps = (Gap(report.gap.since, report.gap.until, None, why),)
    return Collected(
        "spotify",
        report.user_id,
        account=Account(report.told, report.kept, report.told - report.kept),
        skipped=report.others,
        latest=report.latest,
        gaps=gaps,
        error=report.error,
    )


def _from_scrobbles(
    wiring: Wiring,
    account: AccountThere,
    clock: Callable[[], datetime],
    since: datetime | None,
    progress: Progress,
    pause: Callable[[float], None],
) -> Collected:
    from segue.flows.scrobbles.read import Reading
    from segue.services.sign_ins import SignIns

    service = _service(wiring, account, clock, pause)
    name = account.service
    reading = Reading(
        service,
        _reader(name),
        wiring.lake,
        SignIns(wiring.services, service.name),
        account=account.name,
        user_id=account.user_id,
        clock=clock,
        progress=progress,
    )
    try:
        return _of_reading(name, reading, reading.run(since=since))
    except SegueError as error:
        _log.info("%s: nothing was noted: %s", service.name, type(error).__name__)
        return Collected(name, reading.user_id, account.name, error=error)


def _reader(name: str) -> Any:
    """What reads exports of the same service."""
    from segue.sources.lastfm_json import LastfmJson
    from segue.sources.listenbrainz import ListenBrainz

    return LastfmJson() if name == "lastfm" else ListenBrainz()


def _service(
    wiring: Wiring,
    account: AccountThere,
    clock: Callable[[], datetime],
    pause: Callable[[float], None],
) -> ScrobbleService:
    from segue.flows.open_sources import lastfm, listenbrainz
    from segue.services.lastfm import LastfmService
    from segue.services.listenbrainz import ListenBrainzService

    user_id = account.user_id
    if account.service == "lastfm":
        return LastfmService(lastfm(wiring, clock, pause=pause, user_id=user_id), "collect")
    asks = listenbrainz(wiring, clock, pause=pause, user_id=user_id)
    return ListenBrainzService(asks, "collect")


def _of_reading(name: str, reading: Reading, read: ReadPlays) -> Collected:
    who = reading.service.name
    gaps = [
        Gap(
            _moment(second),
            _moment(second + 1),
            None,
            f"more plays began in one second than {who} tells; its export has them",
        )
        for second in read.lost_at
    ]
    if read.missing:
        why = (
            f"{who} counts more plays than it told; they came in late and are older than two"
            f" weeks: segue collect {name} --since DATE reads from then on again"
        )
        gaps.append(Gap(None, None, read.missing, why))
    return Collected(
        name,
        reading.user_id,
        reading.account,
        account=read.account,
        skipped=read.playing,
        latest=_moment(read.newest),
        unread_until=_moment(read.unread_until),
        gaps=tuple(gaps),
        requests=read.requests,
        error=read.error,
    )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else _EPOCH + timedelta(seconds=seconds)


def _iso(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()
