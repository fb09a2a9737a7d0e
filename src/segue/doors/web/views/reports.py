"""Reports: a week in pictures, what became of recommendations, and which of two was preferred."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from segue.analytics.outcomes import WINDOW_DAYS, Counts, Offer, TrackOutcome
from segue.analytics.sections import Section
from segue.analytics.tops import Ranked
from segue.analytics.weekly import WeeklyReport
from segue.analytics.weekly_page import page
from segue.analytics.weekly_page import picture as poster
from segue.analytics.words import change, count, duration, share
from segue.doors.web import pictures
from segue.doors.web.ask import Answer, Ask, Download, View
from segue.doors.web.charts import chart_of, file_of
from segue.doors.web.figures import Figure
from segue.doors.web.pages import Nav, Pages
from segue.doors.web.pictures import Bar, Part, Picture
from segue.doors.web.pictures.discoveries import discoveries
from segue.doors.web.trouble import Trouble
from segue.doors.web.zone import zone_of_page
from segue.errors import ConfigError, NotReadyError, UnknownUserError
from segue.flows.compare import Tally, tally
from segue.flows.fresh_marts import FreshMarts
from segue.flows.report import offers_of, weekly_report
from segue.warehouse.snapshots import Snapshot

__all__ = ["add_to"]

_FILES: Final = "/reports/file"
_TRACKS: Final = 30
_REPORTS: Final = 32


@dataclass(frozen=True, slots=True)
class ListRow:
    """A list that was recommended, in words."""

    title: str
    where: str
    offered: str
    played: str
    finished: str
    skipped: str
    saved: str
    hit_rate: str


@dataclass(frozen=True, slots=True)
class TrackRow:
    """A recommended track, and what became of it."""

    title: str
    artist: str
    list_title: str
    became: str


@dataclass(frozen=True, slots=True)
class Duel:
    """Two recommenders that were put into the same playlists.

    Args:
        name: Of the experiment.
        a: The first, as it was typed.
        b: The second.
        rate_a: The share of its tracks that was heard out or liked.
        rate_b: The same of the second.
        words: How many playlists, and how the pairs ended.
        verdict: Which one is preferred, if that can be said.
    """

    name: str
    a: str
    b: str
    rate_a: str
    rate_b: str
    words: str
    verdict: str


def add_to(pages: Pages) -> None:
    """Register the addresses."""
    kept = _Kept()
    pages.get("/reports", partial(_reports, kept), nav=Nav("Reports", "report", "look", 30))
    pages.get(_FILES, partial(_file, kept))


class _Kept:
    """The reports that were shown lately: for pages, pictures and files of one week."""

    def __init__(self) -> None:
        self._reports: OrderedDict[Hashable, WeeklyReport] = OrderedDict()

    def of(self, ask: Ask) -> WeeklyReport:
        """The report of the week that is asked for; as new as the history and what was given."""
        now, snapshot = ask.house.clock(), ask.house.wiring.snapshots.current()
        offers = offers_of(ask.house.home, ask.who.user_id, now=now)
        latest = offers[-1].offered_at if offers else None
        asked = (ask.who.user_id, ask.one("week"), zone_of_page(ask))
        key = (snapshot.name, *asked, now.date(), len(offers), latest)
        report = self._reports.get(key)
        if report is None:
            report = _worked_out(ask, snapshot, offers, now=now)
            self._reports[key] = report
            while len(self._reports) > _REPORTS:
                self._reports.popitem(last=False)
        return report


def _reports(kept: _Kept, ask: Ask) -> Answer:
    """The page, which waits for nothing; a week; or the tallies of experiments."""
    week = ask.one("week")
    told: dict[str, Any] = {"title": "Reports", "report": None, "duels": None}
    if ask.fragment == "duels":
        return View("reports.html", {**told, "duels": list(_duels(ask))})
    if not ask.fragment:
        address = f"/reports?{urlencode({'week': week})}" if week else "/reports"
        return View("reports.html", {**told, "address": address})
    try:
        report = kept.of(ask)
    except (NotReadyError, UnknownUserError):
        return View("reports_empty.html", told)
    except ConfigError as error:
        raise Trouble(422, f"{error.message[:1].upper()}{error.message[1:]}") from error
    asked = {"week": report.week}
    recommended = report.recommended
    told |= {
        "report": report.week,
        "heading": report.title,
        "notes": report.notes,
        "figures": list(_figures(report)),
        "charts": [chart_of(one, _FILES, asked) for one in _week(report)],
        "hits": [chart_of(one, _FILES, asked) for one in discoveries(recommended.weeks)],
        "lists": [_list_row(one.title, one.where, one.counts) for one in recommended.lists],
        "tracks": [_track_row(one) for one in recommended.tracks[:_TRACKS]],
        "days": WINDOW_DAYS,
        "files": {
            "Picture": f"{_FILES}?{urlencode({**asked, 'as': 'poster'})}",
            "Page": f"{_FILES}?{urlencode({**asked, 'as': 'page'})}",
        },
        "before": _week_name(report.monday - timedelta(days=7)),
        "after": "" if not report.is_over else _week_name(report.monday + timedelta(days=7)),
    }
    return View("reports.html", told, say=report.title if ask.fragment else "")


def _week_name(day: date) -> str:
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02}"


def _figures(report: WeeklyReport) -> Iterator[Figure]:
    now, before = report.totals, report.before
    for name, words in (("plays", "Plays"), ("ms_played", "Listened"), ("artists", "Artists")):
        number = getattr(now, name)
        moved = "" if before is None else change(number, getattr(before, name))
        yield Figure(duration(number) if name == "ms_played" else f"{number:,}", words, moved)
    yield Figure(f"{report.new_tracks:,}", "Heard for the first time")
    yield Figure(f"{report.active_days} of 7", "Days with music")
    if report.streak_days > 1:
        yield Figure(count(report.streak_days, "day"), "In a row")


def _week(report: WeeklyReport) -> Iterator[Picture]:
    if not report.totals.plays:
        return
    best = max(report.days, key=lambda day: day.plays)
    yield pictures.columns(
        [day.begins for day in report.days],
        [Part("plays", "accent", tuple(day.plays for day in report.days))],
        every="day",
        key="week-days",
        title="Plays by day",
        words=f"Most on {best.begins:%A}, {count(best.plays, 'play')}.",
    )
    rankings = (("artists", report.artists), ("tracks", report.tracks), ("found", report.found))
    titles = {"artists": "Artists", "tracks": "Tracks", "found": "Found this week"}
    for name, places in rankings:
        if places:
            title = titles[name]
            table = _table(title, places)
            yield pictures.ranking(places, title=title, key=f"top-{name}", by="plays", table=table)
    if report.moods:
        yield _moods(report)


def _moods(report: WeeklyReport) -> Picture:
    rows = [
        Bar(
            mood.name,
            mood.share,
            share(mood.share),
            "" if mood.share_before is None else f"{share(mood.share_before)} the week before",
        )
        for mood in report.moods
    ]
    table = Section("Moods", ("Mood", "# Share"), tuple((row.name, row.told) for row in rows))
    words = (
        f"Moods of the {share(report.sound_known)} of plays whose sound is known; a play may have"
        " several."
    )
    return pictures.bars(rows, key="moods", title="Moods", words=words, table=table, places=False)


def _table(title: str, places: tuple[Ranked, ...]) -> Section:
    rows = tuple(
        (str(one.rank), one.name or "(no name)", one.artist or "", f"{one.plays:,}")
        for one in places
    )
    return Section(title, ("#", "Name", "Artist", "# Plays"), rows)


def _list_row(title: str, where: str, counts: Counts) -> ListRow:
    numbers = (counts.offered, counts.played, counts.finished, counts.skipped, counts.saved)
    offered, played, finished, skipped, saved = (f"{number:,}" for number in numbers)
    hit_rate = share(counts.hit_rate)
    return ListRow(title, where, offered, played, finished, skipped, saved, hit_rate)


def _track_row(one: TrackOutcome) -> TrackRow:
    if one.waiting:
        became = "not known yet"
    elif one.saved:
        became = "saved"
    elif one.finished:
        became = "heard to the end"
    elif one.skipped:
        became = "skipped"
    else:
        became = "played" if one.played else "not played"
    return TrackRow(one.title or "(no name)", one.artist or "", one.list_title, became)


def _file(kept: _Kept, ask: Ask) -> Answer:
    """A picture of the week as a file, or all of it."""
    report, kind = kept.of(ask), ask.one("as")
    name = f"segue-{report.week}"
    if kind == "poster":
        return Download(poster(report), "image/png", f"{name}.png")
    if kind == "page":
        report = _with_comparisons(ask)
        return Download(page(report).encode(), "text/html; charset=utf-8", f"{name}.html")
    for picture in (*_week(report), *discoveries(report.recommended.weeks)):
        if picture.key == ask.one("picture"):
            return file_of(picture, kind, ask.one("on", "light"), name=f"{name}-{picture.key}")
    raise Trouble(404, "There is no such picture", "The links below each picture are right.")


def _with_comparisons(ask: Ask) -> WeeklyReport:
    """The report with what became of `segue compare`, which the page shows by itself."""
    now, wiring = ask.house.clock(), ask.house.wiring
    snapshot = wiring.snapshots.current()
    offers = offers_of(ask.house.home, ask.who.user_id, now=now)
    marts = FreshMarts(snapshot, wiring.lake)
    return _worked_out(ask, snapshot, offers, now=now, experiments=wiring.experiments, marts=marts)


def _worked_out(
    ask: Ask, snapshot: Snapshot, offers: Sequence[Offer], *, now: datetime, **more: Any
) -> WeeklyReport:
    return weekly_report(
        snapshot,
        offers,
        user_id=ask.who.user_id,
        time_zone=zone_of_page(ask),
        now=now,
        week=ask.one("week") or None,
        **more,
    )


def _duels(ask: Ask) -> Iterator[Duel]:
    """The experiments that the listener took part in, the latest first."""
    wiring = ask.house.wiring
    store = wiring.experiments
    experiments = sorted(store.all(), key=lambda one: one.started_at, reverse=True)
    if not experiments:
        return
    marts = FreshMarts(wiring.snapshots.current(), wiring.lake)
    for experiment in experiments:
        users = {record.user_id for record in store.records(experiment.name)}
        if users <= {ask.who.user_id} or ask.who.may_manage:
            yield _duel(tally(experiment, store, marts))


def _duel(found: Tally) -> Duel:
    outcome, experiment = found.preference, found.experiment
    wins = outcome.wins
    return Duel(
        name=experiment.name,
        a=experiment.a,
        b=experiment.b,
        rate_a=share(outcome.teams["a"].rate.value),
        rate_b=share(outcome.teams["b"].rate.value),
        words=f"{count(outcome.playlists, 'playlist')}, {outcome.heard} listened to; pairs"
        f" {wins['a']} : {wins['b']}, {outcome.ties} undecided"
        f"{_since(experiment.stopped_at)}",
        verdict=f"{outcome.verdict[:1].upper()}{outcome.verdict[1:]}.",
    )


def _since(stopped_at: datetime | None) -> str:
    return "" if stopped_at is None else f"; stopped on {stopped_at:%-d %b %Y}"
