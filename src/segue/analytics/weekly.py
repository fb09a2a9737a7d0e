"""A listener's week: what was heard, how it sounded, what was recommended and what became of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from segue.analytics.heard import Heard
from segue.analytics.newness import newness
from segue.analytics.outcomes import Outcomes
from segue.analytics.tops import Ranked, top
from segue.analytics.totals import Period, Totals, timeline, totals, totals_before
from segue.analytics.windows import Window, window_of_days
from segue.analytics.words import count, days_of
from segue.errors import ConfigError
from segue.music import columns as c
from segue.music.moods import MOODS

__all__ = ["Compared", "Mood", "Week", "WeeklyReport", "week_of", "work_out_week"]

FEW_PLAYS: Final = 20
"""With fewer counted plays than this, a report says that it knows little."""

_WEEK: Final = re.compile(r"(\d{4})-?W(\d{1,2})", re.IGNORECASE)
_PLACES: Final = 5
_GENRES: Final = 8
_SOUND: Final = (c.ENERGY, c.VALENCE, c.DANCEABILITY, c.ACOUSTICNESS, c.INSTRUMENTALNESS)
_ENOUGH_SOUND: Final = 0.3


@dataclass(frozen=True, slots=True)
class Week:
    """An ISO week on a listener's calendar.

    Args:
        name: Such as 2026-W46.
        monday: Its first day.
        window: From its first moment to its last, and the week before.
    """

    name: str
    monday: date
    window: Window

    @property
    def days(self) -> str:
        """From day to day, in words."""
        return days_of(self.monday, self.monday + timedelta(days=6))


def week_of(asked: str | date, zone: ZoneInfo) -> Week:
    """The week of that name, or that a day is in.

    Raises:
        ConfigError: There is no such week.
    """
    if isinstance(asked, str):
        found = _WEEK.fullmatch(asked.strip())
        try:
            if found is None:
                raise ValueError("no week")
            day = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        except ValueError as error:
            raise ConfigError(
                f"there is no week “{asked}”", field="week", cure="Write it as in 2026-W46."
            ) from error
    else:
        day = asked - timedelta(days=asked.weekday())
    year, number, _ = day.isocalendar()
    window = window_of_days(day, 7, zone, label=f"week {number} of {year}")
    return Week(f"{year}-W{number:02}", day, window)


@dataclass(frozen=True, slots=True)
class Mood:
    """How much of what was heard has a mood; a play may have several, or none.

    Args:
        name: Such as “calm”.
        share: Of the plays whose sound is known (0 … 1).
        share_before: The same of the week before; None where too little is known of it.
    """

    name: str
    share: float
    share_before: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of playlists in which two recommenders took turns, since they began.

    Args:
        name: Of the experiment.
        sides: What took turns, two of them.
        playlists: How many.
        tracks: Of each side.
        finished: Of these heard to the end, or liked (0 … 1).
        wins: Pairs of tracks that each side won; the rest is undecided.
        verdict: Which is preferred, in words, or that nobody knows yet.
    """

    name: str
    sides: tuple[str, str]
    playlists: int
    tracks: tuple[int, int]
    finished: tuple[float, float]
    wins: tuple[int, int]
    verdict: str


@dataclass(frozen=True, slots=True)
class WeeklyReport:
    """A week, ready to be shown; its JSON is the stable answer.

    Args:
        user_id: Whose week.
        week: Such as 2026-W46.
        monday: Its first day.
        time_zone: Name of the zone in which days are told.
        is_over: Whether the week has ended.
        known_until: The last play that is known, aware; plays after it may be missing.
        totals: Of the week.
        before: Of the week before; None where nothing was played in it.
        days: The seven days.
        active_days: Days with a counted play.
        streak_days: Days in a row with a counted play, up to the last one of the week with any;
            earlier weeks count.
        artists: The most played.
        tracks: The most played.
        genres: The most heard; a play counts for each genre of its track.
        new_tracks: Tracks whose first play ever was this week.
        new_artists: The same for artists.
        found: The most played of the new tracks.
        moods: The most frequent first; empty where the sound of too few plays is known.
        sound: Audio feature -> mean (0 … 1) and mean of the week before.
        sound_known: Share of the plays whose sound is known.
        recommended: What became of recommendations.
        notes: What a reader must know to judge the numbers.
        compared: Recommenders that took turns in the user's playlists, one line an experiment.
    """

    user_id: str
    week: str
    monday: date
    time_zone: str
    is_over: bool
    known_until: datetime
    totals: Totals
    before: Totals | None
    days: tuple[Period, ...]
    active_days: int
    streak_days: int
    artists: tuple[Ranked, ...]
    tracks: tuple[Ranked, ...]
    genres: tuple[Ranked, ...]
    new_tracks: int
    new_artists: int
    found: tuple[Ranked, ...]
    moods: tuple[Mood, ...]
    sound: dict[str, tuple[float, float | None]]
    sound_known: float
    recommended: Outcomes
    notes: tuple[str, ...]
    compared: tuple[Compared, ...] = ()

    @property
    def title(self) -> str:
        """The week in words: “9 – 15 Nov 2026”."""
        return days_of(self.monday, self.monday + timedelta(days=6))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was played."""
        return not self.totals.starts

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        told = asdict(self)
        told |= {
            "version": 1,
            "monday": self.monday.isoformat(),
            "known_until": self.known_until.isoformat(),
            "totals": self.totals.as_dict(),
            "before": None if self.before is None else self.before.as_dict(),
            "days": [{**asdict(day), "begins": day.begins.isoformat()} for day in self.days],
            "sound": {
                name: {"mean": now, "mean_before": then} for name, (now, then) in self.sound.items()
            },
            "recommended": self.recommended.as_dict(),
        }
        return told


def work_out_week(
    heard: Heard,
    week: Week,
    recommended: Outcomes,
    *,
    offered_ever: bool,
    known_until: datetime,
    now: datetime,
) -> WeeklyReport:
    """Everything that a report shows.

    Args:
        heard: The sums of the week.
        week: Which one.
        recommended: What became of recommendations.
        offered_ever: Whether anything was ever recommended.
        known_until: The last play that is known, aware.
        now: Aware.
    """
    sums, new = totals(heard), newness(heard, "day")
    active, streak = _streak(heard)
    moods, sound, sound_known = _moods(heard)
    is_over = now >= week.window.span.until
    return WeeklyReport(
        user_id=heard.user_id,
        week=week.name,
        monday=week.monday,
        time_zone=heard.zone,
        is_over=is_over,
        known_until=known_until,
        totals=sums,
        before=totals_before(heard),
        days=timeline(heard, "day").periods,
        active_days=active,
        streak_days=streak,
        artists=top(heard, "artists", limit=_PLACES),
        tracks=top(heard, "tracks", limit=_PLACES),
        genres=top(heard, "genres", limit=_GENRES),
        new_tracks=new.discoveries,
        new_artists=new.new_artists,
        found=_found(heard),
        moods=moods,
        sound=sound,
        sound_known=sound_known,
        recommended=recommended,
        notes=tuple(
            _notes(sums, week, sound_known, recommended, offered_ever, known_until, is_over)
        ),
    )


def _streak(heard: Heard) -> tuple[int, int]:
    """Days of the week with a counted play, and days in a row up to the last of them."""
    span = heard.window.span
    days = heard.rows(
        """
        SELECT DISTINCT timezone($zone, played_at)::DATE AS day FROM plays
        WHERE user_id = $user_id AND NOT not_me AND counted AND played_at < $until
        ORDER BY day DESC
        """,
        zone=heard.zone,
        user_id=heard.user_id,
        until=span.until,
    )
    monday = span.since.date()
    active = sum(row["day"] >= monday for row in days)
    if not active:
        return 0, 0
    run, expected = 0, days[0]["day"]
    for row in days:
        if row["day"] != expected:
            break
        run, expected = run + 1, expected - timedelta(days=1)
    return active, run


def _found(heard: Heard) -> tuple[Ranked, ...]:
    """The most played of the tracks that had never been played before."""
    rows = heard.rows(
        """
        SELECT row_number() OVER (ORDER BY plays DESC, ms_played DESC, track_id) AS rank,
            track_id AS id, title AS name, artist, plays::BIGINT AS plays, ms_played, starts,
            skips, finishes, 0.0::DOUBLE AS share, NULL AS rank_before
        FROM heard WHERE plays > 0 AND first_at >= $since ORDER BY rank LIMIT $limit
        """,
        since=heard.window.span.since,
        limit=_PLACES,
    )
    return tuple(Ranked(**row) for row in rows)


def _moods(
    heard: Heard,
) -> tuple[tuple[Mood, ...], dict[str, tuple[float, float | None]], float]:
    """Moods, means of the features, and the share of plays whose sound is known."""
    columns = ["sum(plays) AS plays", "sum(plays_before) AS plays_before"]
    for when in ("", "_before"):
        known_sql = f"plays{when}) FILTER (energy IS NOT NULL AND valence IS NOT NULL)"
        columns.append(f"sum({known_sql} AS known{when}")
        columns += [
            f"sum(plays{when}) FILTER ({_fits(name)}) AS mood_{name}{when}" for name in MOODS
        ]
        columns += [
            f"sum(plays{when} * {name}) / nullif(sum(plays{when})"
            f" FILTER ({name} IS NOT NULL), 0) AS mean_{name}{when}"
            for name in _SOUND
        ]
    row = heard.row(
        f"SELECT {', '.join(columns)} FROM (SELECT heard.*, tracks.* EXCLUDE (track_id, title,"
        " artist, artist_id, album_id, genres, plays) FROM heard JOIN tracks USING (track_id))"
    )
    plays, known = float(row["plays"] or 0), float(row["known"] or 0)
    share = known / plays if plays else 0.0
    if share < _ENOUGH_SOUND or known < _PLACES:
        return (), {}, share
    before = float(row["known_before"] or 0)
    told_before = before >= FEW_PLAYS
    moods = [
        Mood(
            name,
            float(row[f"mood_{name}"] or 0) / known,
            float(row[f"mood_{name}_before"] or 0) / before if told_before else None,
        )
        for name in MOODS
    ]
    sound = {
        name: (float(row[f"mean_{name}"]), row[f"mean_{name}_before"] if told_before else None)
        for name in _SOUND
        if row[f"mean_{name}"] is not None
    }
    return tuple(sorted(moods, key=lambda mood: -mood.share)), sound, share


def _fits(mood: str) -> str:
    bounds = []
    for name, low, high in MOODS[mood]:
        bounds += [f"{name} >= {low}"] if low is not None else []
        bounds += [f"{name} <= {high}"] if high is not None else []
    return " AND ".join(bounds)


def _notes(
    sums: Totals,
    week: Week,
    sound_known: float,
    recommended: Outcomes,
    offered_ever: bool,
    known_until: datetime,
    is_over: bool,
) -> Sequence[str]:
    zone, span = week.window.span.since.tzinfo, week.window.span
    until = f"{known_until.astimezone(zone):%-d %b, %H:%M}"
    notes = []
    if not is_over:
        notes.append("The week is not over: these are its days so far.")
    if not sums.plays:
        later = known_until >= span.until
        notes.append(
            "Nothing was played this week."
            if later
            else f"No plays of this week are known; the last one that is known is of {until}."
        )
    elif sums.plays < FEW_PLAYS:
        notes.append(f"Only {count(sums.plays, 'play')}: too few to say much about.")
    if sums.plays and sound_known < _ENOUGH_SOUND:
        notes.append(
            f"How it sounds is known of {sound_known:.0%} of the plays only: no moods are told."
        )
    if sums.plays and not sums.told:
        notes.append("The source does not tell how long plays were: there are no minutes.")
    if not offered_ever:
        notes.append("Nothing was recommended yet; publish a playlist to see what becomes of it.")
    elif not recommended.lists:
        notes.append("Nothing was recommended this week.")
    waiting = sum(one.counts.waiting for one in recommended.lists)
    if waiting:
        few_known = f"plays are known up to {until} only"
        notes.append(f"Of {count(waiting, 'recommended track')} nothing can be said: {few_known}.")
    few = [one for one in recommended.lists if one.counts.judged and one.counts.hit_rate is None]
    if few:
        notes.append("No hit rate is told for a list of fewer than ten tracks.")
    return notes
