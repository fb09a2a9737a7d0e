"""Report: a listener's week, what was recommended, and what became of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segue.analytics.heard import sum_up
from segue.analytics.outcomes import Offer, outcomes
from segue.analytics.weekly import Compared, Week, WeeklyReport, week_of, work_out_week
from segue.analytics.windows import zone_of
from segue.errors import ConfigError, SinkError
from segue.events.recommended import Recommended
from segue.flows.compare import tally
from segue.flows.destinations import given_lists
from segue.flows.home_parts import EVENTS, RECOMMENDED
from segue.flows.stats import bounds
from segue.playlists.given import Given
from segue.warehouse.snapshot_database import open_snapshot

if TYPE_CHECKING:
    from segue.flows.listener import Marts
    from segue.music.playlist import Playlist
    from segue.warehouse.experiments import ExperimentStore
    from segue.warehouse.snapshots import Snapshot

__all__ = ["note_shown", "offers_of", "weekly_report"]

_log = logging.getLogger(__name__)

_BACK: Final = timedelta(weeks=13)
_HERE: Final = "Segue"
_SCREEN: Final = "on the screen"


def weekly_report(
    snapshot: Snapshot,
    offers: Sequence[Offer],
    *,
    user_id: str,
    time_zone: str,
    now: datetime,
    week: str | None = None,
    experiments: ExperimentStore | None = None,
    marts: Marts | None = None,
    memory_limit: str = "1GB",
    threads: int = 0,
) -> WeeklyReport:
    """Work out one week of one user.

    Args:
        snapshot: The published marts.
        offers: What was recommended to the user, as `offers_of` finds it.
        user_id: Whose week.
        time_zone: Weeks begin there on Monday at midnight.
        now: Aware; weeks that have not begun are refused.
        week: Such as 2026-W46; None: the last one that is over, or that of the last play if that is
            earlier.
        experiments: Those of `segue compare`; None: none are told of.
        marts: Where experiments are counted, with fresh `feedback`; None: the snapshot.
        memory_limit: DuckDB's.
        threads: DuckDB's; 0 means all cores.

    Raises:
        UnknownUserError: Others are known here, but not this user.
        NotReadyError: The user has not played anything at all.
        ConfigError: The week or the time zone cannot be read.
    """
    zone = zone_of(time_zone)
    with open_snapshot(snapshot, memory_limit=memory_limit, threads=threads) as database:
        _, last = bounds(database, user_id)
        chosen = week_of(week, zone) if week else _usual(zone_name=time_zone, last=last, now=now)
        if chosen.window.span.since > now:
            raise ConfigError(
                f"the week {chosen.name} has not begun",
                field="week",
                cure=f"The last one that is over is {_before(now, time_zone).name}.",
            )
        heard = sum_up(database, user_id, chosen.window, time_zone)
        found = outcomes(
            database,
            user_id,
            [offer for offer in offers if offer.offered_at < chosen.window.span.until],
            monday=chosen.monday,
            zone=time_zone,
            known_until=last,
        )
        report = work_out_week(
            heard,
            chosen,
            found,
            offered_ever=bool(offers),
            known_until=last,
            now=now,
        )
    if experiments is not None:
        compared = _compared(experiments, marts or snapshot, user_id, chosen)
        report = replace(report, compared=tuple(compared))
    _log.info("week %s: %s plays, %s lists", report.week, report.totals.plays, len(found.lists))
    return report


def _compared(store: ExperimentStore, marts: Marts, user_id: str, week: Week) -> Iterator[Compared]:
    """Experiments with playlists of the user that went on in this week, as they stand now."""
    span = week.window.span
    for one in store.all():
        if one.started_at >= span.until or (one.stopped_at or span.until) < span.since:
            continue
        found = tally(one, store, marts, user_id=user_id).preference
        if found.playlists:
            a, b = found.teams["a"], found.teams["b"]
            yield Compared(
                name=one.name,
                sides=(one.a, one.b),
                playlists=found.playlists,
                tracks=(a.impressions, b.impressions),
                finished=(a.rate.value, b.rate.value),
                wins=(found.wins["a"], found.wins["b"]),
                verdict=found.verdict,
            )


def note_shown(home: Path, playlist: Playlist, *, now: datetime) -> None:
    """Remember that a person saw this playlist, so that what became of its tracks is told.

    The same tracks shown again are not noted; a home that cannot be written is only logged, since
    the playlist was shown.

    Args:
        home: The data home.
        now: Aware UTC.
    """
    if not playlist.user_id or not playlist.tracks:
        return
    tracks = tuple(track.track_id for track in playlist.tracks)
    shown = Given(playlist.playlist_id, playlist.title, playlist.mix or "", _SCREEN, now, tracks)
    try:
        given_lists(home, playlist.user_id).note(shown)
    except SinkError as error:
        _log.info("not noted as shown: %s", error)


def offers_of(home: Path, user_id: str, *, now: datetime) -> list[Offer]:
    """What was recommended to a user lately: published playlists, and answers of the service.

    Args:
        home: The data home.
        now: Aware UTC.

    Raises:
        SinkError: What was published cannot be read.
        StorageError: What the service answered cannot be read.
    """
    given = [
        Offer(one.title, one.where, one.mix, one.given_at, one.track_ids)
        for one in given_lists(home, user_id).all()
    ]
    answered = [
        Offer(one.mix.capitalize(), _HERE, one.mix, one.told_at, one.track_ids)
        for one in Recommended(home / EVENTS / RECOMMENDED).of_user(user_id, since=now - _BACK)
    ]
    return sorted([*given, *answered], key=lambda offer: offer.offered_at)


def _usual(*, zone_name: str, last: datetime, now: datetime) -> Week:
    """The last week that is over; of an older history the week of its last play."""
    zone = zone_of(zone_name)
    over, of_last = _before(now, zone_name), week_of(last.astimezone(zone).date(), zone)
    return over if of_last.monday >= over.monday else of_last


def _before(now: datetime, zone_name: str) -> Week:
    zone = zone_of(zone_name)
    return week_of(now.astimezone(zone).date() - timedelta(days=7), zone)
