"""How taste moves: the mix of genres, artists and sounds of each period against the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.analytics.distance import Distance, distance_between
from segue.analytics.heard import QUARTER_S, Heard
from segue.analytics.periods import Every
from segue.analytics.sound import FeatureShift, Sound, shifts

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Drift", "Mix", "Moved", "Shift", "drift"]

_DAY_US: Final = 86_400_000_000
_MANY: Final = 1_000_000  # plays, from which on four weeks are dealt out at once, not a day
_MANY_DAYS: Final = 28
_EPOCH: Final = date(1970, 1, 1)
_BEFORE: Final = -(2**31)  # in the place of a period: the window before
_MOVED: Final = 5
_SHOWN_GENRES: Final = 8
_YEAR: Final = 365


@dataclass(frozen=True, slots=True)
class Moved:
    """What took another share of the plays, and which (0 … 1)."""

    name: str
    share: float
    share_before: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Shift:
    """From one span to another.

    Args:
        distance: Of the two mixes; None where one of them is empty.
        rose: What gained most, the most first.
        fell: What lost most, the most first.
    """

    distance: Distance | None
    rose: tuple[Moved, ...]
    fell: tuple[Moved, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "distance": None if self.distance is None else self.distance.as_dict(),
            "rose": [moved.as_dict() for moved in self.rose],
            "fell": [moved.as_dict() for moved in self.fell],
        }


@dataclass(frozen=True, slots=True)
class Mix:
    """One period.

    Args:
        begins: Its first day, on the listener's calendar.
        plays: Counted plays.
        genres: Genre -> share (0 … 1) of the plays whose genres are known, a play's weight divided
            among its genres; the most heard of the window, the others as "other".
        sound: Audio feature -> mean over the plays for which it is known.
        genre_distance: From the period before that has plays; None for the first.
        artist_distance: Likewise.
    """

    begins: date
    plays: int
    genres: dict[str, float]
    sound: Mapping[str, float]
    genre_distance: Distance | None
    artist_distance: Distance | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        apart = {
            name: None if found is None else found.as_dict()
            for name, found in (
                ("genre_distance", self.genre_distance),
                ("artist_distance", self.artist_distance),
            )
        }
        told = {"plays": self.plays, "genres": self.genres, "sound": dict(self.sound)}
        return {"begins": self.begins.isoformat(), **told, **apart}


@dataclass(frozen=True, slots=True)
class Drift:
    """How a taste moved.

    Args:
        every: How long a period is.
        compared: What the later span is and what the earlier one, in words.
        genres: From the earlier span to the later one.
        artists: Likewise.
        sound: Audio features, those that moved most first.
        periods: Oldest first; quiet ones are left out.
        genres_told: Share of plays whose genres are known.
        sound_told: Share of plays whose audio features are known.
    """

    every: Every
    compared: tuple[str, str]
    genres: Shift
    artists: Shift
    sound: tuple[FeatureShift, ...]
    periods: tuple[Mix, ...]
    genres_told: float
    sound_told: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "every": self.every,
            "compared": {"this": self.compared[0], "with": self.compared[1]},
            "told": {"genres": self.genres_told, "sound": self.sound_told},
            "genres": self.genres.as_dict(),
            "artists": self.artists.as_dict(),
            "sound": [shift.as_dict() for shift in self.sound],
            "periods": [mix.as_dict() for mix in self.periods],
        }


def drift(heard: Heard, every: Every, *, seed: int = 17) -> Drift | None:
    """The mixes of a window, period by period, and its latest part against what was before.

    The later span is the window and the earlier the one before it; for all time they are the
    last year and everything earlier, or the two halves of a history shorter than two years.

    Args:
        heard: The sums.
        every: How long a period is.
        seed: Of what chance would do.

    Returns:
        None where nothing was counted.
    """
    _mixes(heard, every)
    rng = np.random.default_rng(seed)
    genres, artists = _Days.of(heard, _GENRES), _Days.of(heard, _ARTISTS)
    sums = heard.rows(
        "SELECT begins, sum(plays)::BIGINT AS plays FROM track_mixes WHERE begins IS NOT NULL"
        " GROUP BY begins ORDER BY begins"
    )
    if not sums:
        return None
    later_from, compared = _split(heard, [row["begins"] for row in sums])
    sound = Sound.of(heard, later_from)
    shown = genres.largest(_SHOWN_GENRES)
    mixes: list[Mix] = []
    for row in sums:
        last = mixes[-1].begins if mixes else None
        mixes.append(
            Mix(
                begins=row["begins"],
                plays=row["plays"],
                genres=genres.shares(row["begins"], shown),
                sound=sound.means.get(row["begins"], {}),
                genre_distance=genres.between(last, row["begins"], rng),
                artist_distance=artists.between(last, row["begins"], rng),
            )
        )
    told = heard.row("""
        SELECT sum(track_mixes.plays) FILTER (len(tracks.genres) > 0) / sum(track_mixes.plays)
                AS genres,
            sum(track_mixes.plays) FILTER (danceability IS NOT NULL) / sum(track_mixes.plays)
                AS sound
        FROM track_mixes LEFT JOIN tracks USING (track_id)
    """)
    return Drift(
        every=every,
        compared=compared,
        genres=genres.shift(later_from, rng),
        artists=artists.shift(later_from, rng),
        sound=shifts(sound),
        periods=tuple(mixes),
        genres_told=told["genres"] or 0.0,
        sound_told=told["sound"] or 0.0,
    )


def _split(heard: Heard, begins: list[date]) -> tuple[date, tuple[str, str]]:
    """The first day of the later span, and what both are called."""
    window = heard.window
    if window.before is not None:
        since, until = window.before.since, window.before.until
        days = (until.date() - since.date()).days
        return begins[0], (window.label, f"the {days} days before")
    span = (begins[-1] - begins[0]).days
    if span >= 2 * _YEAR:
        found = next(day for day in begins if (begins[-1] - day).days < _YEAR)
        return found, ("the last year", "everything before")
    found = begins[(len(begins) + 1) // 2] if len(begins) > 1 else begins[0]
    return found, ("the later half", "the earlier half")


def _mixes(heard: Heard, every: Every) -> None:
    """Sums by period, block of days, artist and set of genres; and by period and track.

    The window before has no period. Artists and sets of genres go by numbers: their names, once
    for each of millions of plays, would fill the memory.
    """
    before = heard.window.before
    many = heard.row("SELECT sum(plays) > $most AS many FROM heard", most=_MANY)["many"]
    block = _MANY_DAYS * _DAY_US if many else _DAY_US
    heard.rows("""
        CREATE OR REPLACE TEMP TABLE kinds AS
        SELECT track_id, artist_id, genres,
            (dense_rank() OVER (ORDER BY artist_id))::INTEGER AS artist_no,
            (dense_rank() OVER (ORDER BY genres))::INTEGER AS genres_no
        FROM heard
    """)
    for table, columns in (
        ("mixes", f"(epoch_us(played_at) // {block})::INTEGER AS day, artist_no, genres_no"),
        ("track_mixes", "track_id"),
    ):
        heard.rows(
            f"""
            CREATE OR REPLACE TEMP TABLE {table} AS
            WITH named AS (
                SELECT quarter, date_trunc('{every}', local_at)::DATE AS begins FROM quarters
            )
            SELECT begins, {columns}, count(*) AS plays
            FROM (
                SELECT track_id, played_at, CASE WHEN played_at >= $since
                    THEN epoch_us(played_at) // {QUARTER_S * 1_000_000} END AS quarter
                FROM plays
                WHERE user_id = $user_id AND counted AND NOT not_me
                    AND played_at >= $earliest AND played_at < $until
            ) JOIN kinds USING (track_id) LEFT JOIN named USING (quarter)
            GROUP BY ALL
            """,
            user_id=heard.user_id,
            earliest=heard.window.span.since if before is None else before.since,
            since=heard.window.span.since,
            until=heard.window.span.until,
        )


_ARTISTS: Final = """
    WITH sums AS (
        SELECT begins, day, artist_no, sum(plays)::DOUBLE AS weight FROM mixes GROUP BY ALL
    ), names AS (
        SELECT artist_no, coalesce(any_value(artist), any_value(artist_id)) AS kind
        FROM kinds LEFT JOIN artists USING (artist_id)
        WHERE artist_id IS NOT NULL GROUP BY artist_no
    )
    SELECT begins, day, kind, weight FROM sums JOIN names USING (artist_no)
    ORDER BY begins, day, artist_no
"""
_GENRES: Final = """
    WITH sums AS (
        SELECT begins, day, genres_no, sum(plays) AS plays FROM mixes GROUP BY ALL
    ), sets AS (
        SELECT genres_no, any_value(genres) AS genres FROM kinds
        WHERE len(genres) > 0 GROUP BY genres_no
    ), parts AS (
        SELECT begins, day, unnest(genres) AS kind, plays / len(genres) AS weight
        FROM sums JOIN sets USING (genres_no)
    )
    SELECT begins, day, kind, sum(weight) AS weight FROM parts GROUP BY ALL
    ORDER BY begins, day, kind
"""


@dataclass(frozen=True)
class _Days:
    """What was heard on each day, by kind; a day that two periods share is two days.

    Args:
        begins: First day of the period of each day, int32, in days since 1970; _BEFORE in the
            window before.
        kinds: Names of the columns.
        weights: float64, shape (n_days, n_kinds).
    """

    begins: NDArray[np.int32]
    kinds: tuple[str, ...]
    weights: sparse.csr_matrix

    @classmethod
    def of(cls, heard: Heard, sql: str) -> _Days:
        from scipy import sparse  # takes a fifth of a second to load

        table = heard.table(sql)
        begins = pc.fill_null(table["begins"].cast(pa.int32()), _BEFORE).to_numpy()
        day = table["day"].to_numpy()
        is_next = np.ones(len(day), bool)
        is_next[1:] = (day[1:] != day[:-1]) | (begins[1:] != begins[:-1])
        kind = table["kind"].combine_chunks().dictionary_encode()
        at, of = np.cumsum(is_next) - 1, kind.indices.to_numpy()
        shape = (int(is_next.sum()), len(kind.dictionary))
        weights = sparse.csr_matrix((table["weight"].to_numpy(), (at, of)), shape=shape)
        return cls(begins[is_next], tuple(kind.dictionary.to_pylist()), weights)

    def between(
        self, earlier: date | None, later: date, rng: np.random.Generator
    ) -> Distance | None:
        """How far a period is from another."""
        if earlier is None:
            return None
        mine = np.isin(self.begins, [_number(earlier), _number(later)])
        return self._distance(mine, self.begins[mine] == _number(later), rng)

    def _distance(
        self, mine: NDArray[np.bool_], in_second: NDArray[np.bool_], rng: np.random.Generator
    ) -> Distance | None:
        weights = self.weights[mine]
        heard = np.flatnonzero(np.asarray(weights.sum(axis=0)).ravel())
        if not heard.size:
            return None
        return distance_between(weights[:, heard], in_second, rng=rng)

    def shift(self, later_from: date, rng: np.random.Generator) -> Shift:
        """From all that was before a day to all since."""
        later = self.begins >= _number(later_from)
        apart = self._distance(np.ones(len(later), bool), later, rng)
        if apart is None:
            return Shift(None, (), ())
        now, then = (_shares(self.weights[part]) for part in (later, ~later))
        order = np.argsort(then - now, kind="stable")
        moved = [Moved(self.kinds[n], float(now[n]), float(then[n])) for n in order]
        rose = tuple(each for each in moved[:_MOVED] if each.share > each.share_before)
        fell = tuple(each for each in moved[::-1][:_MOVED] if each.share < each.share_before)
        return Shift(apart, rose, fell)

    def largest(self, n: int) -> tuple[str, ...]:
        """The kinds that are heard most in the window."""
        sums = np.asarray(self.weights[self.begins != _BEFORE].sum(axis=0)).ravel()
        return tuple(self.kinds[k] for k in np.argsort(-sums, kind="stable")[:n] if sums[k] > 0)

    def shares(self, begins: date, shown: tuple[str, ...]) -> dict[str, float]:
        """Of some kinds in one period, and of all others together."""
        found = _shares(self.weights[self.begins == _number(begins)])
        if not found.any():
            return {}
        of = dict(zip(self.kinds, found.tolist(), strict=True))
        told = {kind: of[kind] for kind in shown}
        other = 1.0 - sum(told.values())
        return {**told, "other": other} if other > 1e-9 else told


def _number(day: date) -> int:
    """Days since 1970."""
    return (day - _EPOCH).days


def _shares(weights: sparse.csr_matrix) -> NDArray[np.float64]:
    sums = np.asarray(weights.sum(axis=0), dtype=np.float64).ravel()
    total = sums.sum()
    return sums / total if total else sums
