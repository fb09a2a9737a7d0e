"""What became of what was recommended: played, finished, skipped, saved; by list and by week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from segue.analytics.heard import Asks

__all__ = [
    "WINDOW_DAYS",
    "Counts",
    "HitWeek",
    "ListOutcome",
    "Offer",
    "Outcomes",
    "TrackOutcome",
    "outcomes",
]

WINDOW_DAYS: Final = 7
"""A recommended track counts as played when it is started within so many days after it was
recommended; whatever was played before does not count."""

FEWEST: Final = 10
"""With fewer tracks than this no rate is told."""

_WEEKS: Final = 12


@dataclass(frozen=True, slots=True)
class Offer:
    """A list that was recommended.

    Args:
        title: What it was called.
        where: Where it was given: a service, or Segue's own.
        mix: What sort of list it was; empty: not known.
        offered_at: Aware.
        track_ids: Its tracks, the first first.
    """

    title: str
    where: str
    mix: str
    offered_at: datetime
    track_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrackOutcome:
    """One recommended track.

    Args:
        place: In its list, 1 is the first.
        title: None where nobody knows.
        artist: The same.
        list_title: Of the list.
        offered_at: When it was recommended first that week, aware.
        starts: Plays begun within the window.
        finished: Heard to the end at least once.
        skipped: Begun, and left early every time.
        saved: Saved or liked within the window.
        known: Played before it was recommended.
        waiting: Plays are not known after it was recommended: nothing can be said.
    """

    track_id: str
    place: int
    title: str | None
    artist: str | None
    list_title: str
    where: str
    mix: str
    offered_at: datetime
    starts: int
    finished: bool
    skipped: bool
    saved: bool
    known: bool
    waiting: bool

    @property
    def played(self) -> bool:
        """Begun at least once."""
        return self.starts > 0

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        offered_at = self.offered_at.isoformat()
        return {**asdict(self), "offered_at": offered_at, "played": self.played}


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of recommended tracks.

    Args:
        offered: Different tracks.
        waiting: Those of which nothing can be said yet.
        played: Begun within the window.
        finished: Heard to the end.
        skipped: Begun, and left early every time.
        saved: Saved or liked.
        new: Played, and never before.
        apart: Each judged track once, by the best that became of it: saved, else finished, else
            played in part, else skipped; what nothing became of is not among them.
    """

    offered: int
    waiting: int
    played: int
    finished: int
    skipped: int
    saved: int
    new: int
    apart: tuple[int, int, int, int]

    @property
    def judged(self) -> int:
        """Tracks of which something can be said."""
        return self.offered - self.waiting

    @property
    def hit_rate(self) -> float | None:
        """Played in judged; None with too few of them."""
        return self.played / self.judged if self.judged >= FEWEST else None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {**asdict(self), "hit_rate": self.hit_rate}


@dataclass(frozen=True, slots=True)
class ListOutcome:
    """One list of the week; refreshed ones of the same title are one.

    Args:
        title: What it was called.
        where: Where it was given.
        mix: What sort of list it was.
        counts: What became of its tracks.
    """

    title: str
    where: str
    mix: str
    counts: Counts

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        names = {"title": self.title, "where": self.where, "mix": self.mix}
        return {**names, **self.counts.as_dict()}


@dataclass(frozen=True, slots=True)
class HitWeek:
    """One week of lists of discoveries.

    Args:
        monday: The week's first day.
        is_open: The window of some of its tracks is not over: the numbers may grow.
        counts: What became of its tracks.
    """

    monday: date
    is_open: bool
    counts: Counts

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        names = {"monday": self.monday.isoformat(), "is_open": self.is_open}
        return {**names, **self.counts.as_dict()}


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of recommendations.

    Args:
        lists: Of the week, in the order in which they were given.
        tracks: Of the week's lists: saved, finished, played and skipped ones first.
        weeks: The weeks up to this one, oldest first; lists of discoveries only.
    """

    lists: tuple[ListOutcome, ...]
    tracks: tuple[TrackOutcome, ...]
    weeks: tuple[HitWeek, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "window_days": WINDOW_DAYS,
            "lists": [one.as_dict() for one in self.lists],
            "tracks": [one.as_dict() for one in self.tracks],
            "weeks": [one.as_dict() for one in self.weeks],
        }


def outcomes(
    database: Asks,
    user_id: str,
    offers: Sequence[Offer],
    *,
    monday: date,
    zone: str,
    known_until: datetime,
) -> Outcomes:
    """Put plays beside what was recommended.

    Args:
        database: The marts.
        user_id: Whose plays.
        offers: Lists of these weeks and earlier ones, in any order.
        monday: First day of the week.
        zone: Name of the listener's time zone.
        known_until: Plays are known up to here, aware.
    """
    first = monday - timedelta(weeks=_WEEKS - 1)
    found = _tracks(database, user_id, offers, zone, known_until)
    mine = [one for week, one in found if week == monday]
    groups: dict[tuple[str, str, str], list[TrackOutcome]] = {}
    for one in sorted(mine, key=lambda each: (each.offered_at, each.list_title)):
        groups.setdefault((one.list_title, one.where, one.mix), []).append(one)
    weeks = []
    for n in range(_WEEKS):
        begins = first + timedelta(weeks=n)
        of_week = _once([one for week, one in found if week == begins and one.mix == "discover"])
        ends = known_until - timedelta(days=WINDOW_DAYS)
        is_open = any(one.offered_at > ends for one in of_week)
        weeks.append(HitWeek(begins, is_open, _counts(of_week)))
    while weeks and not weeks[0].counts.offered:
        weeks.pop(0)
    return Outcomes(
        lists=tuple(
            ListOutcome(title, where, mix, _counts(ones))
            for (title, where, mix), ones in groups.items()
        ),
        tracks=tuple(sorted(_once(mine), key=_best_first)),
        weeks=tuple(weeks),
    )


def _once(found: Sequence[TrackOutcome]) -> list[TrackOutcome]:
    """Each track once: as it was recommended first."""
    first: dict[str, TrackOutcome] = {}
    for one in sorted(found, key=lambda each: (each.offered_at, each.place)):
        first.setdefault(one.track_id, one)
    return list(first.values())


def _counts(found: Sequence[TrackOutcome]) -> Counts:
    judged = [one for one in found if not one.waiting]
    return Counts(
        offered=len(found),
        waiting=len(found) - len(judged),
        played=sum(one.played for one in judged),
        finished=sum(one.finished for one in judged),
        skipped=sum(one.skipped for one in judged),
        saved=sum(one.saved for one in judged),
        new=sum(one.played and not one.known for one in judged),
        apart=(
            sum(one.saved for one in judged),
            sum(one.finished and not one.saved for one in judged),
            sum(one.played and not (one.saved or one.finished or one.skipped) for one in judged),
            sum(one.skipped and not one.saved for one in judged),
        ),
    )


def _best_first(one: TrackOutcome) -> tuple[object, ...]:
    order = (not one.saved, not one.finished, not one.played, one.skipped)
    return (*order, -one.starts, one.offered_at, one.place)


def _tracks(
    database: Asks, user_id: str, offers: Sequence[Offer], zone: str, known_until: datetime
) -> list[tuple[date, TrackOutcome]]:
    """Each track of each list, with its week; once a week and list, as it was given first."""
    if not offers:
        return []
    columns: dict[str, list[Any]] = {"track": [], "place": [], "list": [], "at": []}
    for n, offer in enumerate(offers):
        for place, track_id in enumerate(dict.fromkeys(offer.track_ids), start=1):
            for name, value in zip(
                columns, (track_id, place, n, offer.offered_at.isoformat()), strict=True
            ):
                columns[name].append(value)
    rows = database.table(
        _SQL,
        {"user_id": user_id, "zone": zone, "known_until": known_until, **columns},
    ).to_pylist()
    found: dict[tuple[date, str, str, str], TrackOutcome] = {}
    for row in rows:  # the earliest first
        offer = offers[row["list"]]
        key = (row["week"], offer.title, offer.where, row["track_id"])
        one = TrackOutcome(
            track_id=row["track_id"],
            place=row["place"],
            title=row["title"],
            artist=row["artist"],
            list_title=offer.title,
            where=offer.where,
            mix=offer.mix,
            offered_at=offer.offered_at,
            starts=row["starts"],
            finished=row["finished"],
            skipped=row["skipped"],
            saved=row["saved"],
            known=row["known"],
            waiting=offer.offered_at >= known_until and not row["saved"],
        )
        found.setdefault(key, one)
    return [(key[0], one) for key, one in found.items()]


_SQL: Final = f"""
    WITH offers AS (
        SELECT unnest($track) AS track_id, unnest($place)::INT AS place,
            unnest($list)::INT AS list, unnest($at)::TIMESTAMPTZ AS offered_at
    ), mine AS (
        SELECT track_id, played_at, counted, skipped, finished FROM plays
        WHERE user_id = $user_id AND NOT not_me AND played_at < $known_until::TIMESTAMPTZ
            + INTERVAL 1 SECOND AND track_id IN (SELECT track_id FROM offers)
    ), kept AS (
        SELECT track_id, added_at AS kept_at FROM library
        WHERE user_id = $user_id AND track_id IS NOT NULL AND kind = 'saved_track'
        UNION ALL
        SELECT track_id, said_at FROM feedback
        WHERE user_id = $user_id AND verb = 'like' AND stands AND track_id IS NOT NULL
    ), played AS (
        SELECT offers.list, offers.place,
            count(*) AS starts,
            coalesce(bool_or(finished AND counted), false) AS finished,
            coalesce(bool_and(skipped), false) AS skipped
        FROM offers JOIN mine ON mine.track_id = offers.track_id AND played_at > offered_at
            AND played_at < offered_at + INTERVAL {WINDOW_DAYS} DAY
        GROUP BY ALL
    ), before AS (
        SELECT DISTINCT offers.list, offers.place
        FROM offers JOIN mine ON mine.track_id = offers.track_id
            AND played_at <= offered_at AND counted
    ), saved AS (
        SELECT DISTINCT offers.list, offers.place
        FROM offers JOIN kept ON kept.track_id = offers.track_id AND kept_at > offered_at
            AND kept_at < offered_at + INTERVAL {WINDOW_DAYS} DAY
    )
    SELECT offers.track_id, offers.place, offers.list, title, artist,
        date_trunc('week', timezone($zone, offered_at))::DATE AS week,
        coalesce(starts, 0)::BIGINT AS starts,
        coalesce(finished, false) AS finished,
        coalesce(skipped, false) AS skipped,
        saved.list IS NOT NULL AS saved,
        before.list IS NOT NULL AS known
    FROM offers
        LEFT JOIN played USING (list, place)
        LEFT JOIN before USING (list, place)
        LEFT JOIN saved USING (list, place)
        LEFT JOIN tracks ON tracks.track_id = offers.track_id
    ORDER BY offered_at, offers.list, offers.place
"""
