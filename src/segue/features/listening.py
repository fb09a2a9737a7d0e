"""What one user did with each track up to a moment: the history of a query as arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.features.catalogue import Catalogue
from segue.features.spoken import Said, Spoken, spoken
from segue.music import columns as c
from segue.music.query import Query

__all__ = ["DAY", "LIKE_PLAYS", "REST_DAYS", "Listening", "listening", "moment"]
__all__ += ["remembered_for_now"]

DAY: Final = 86_400.0
"""Seconds in a day."""
REST_DAYS: Final = 90.0
"""For so long a track of which less was asked is not answered."""
LIKE_PLAYS: Final = 5.0
"""Finished plays that a like counts as."""

_LESS: Final = -2.0
_REMEMBERED: Final = 64
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_T = TypeVar("_T")
Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_Memo = dict[tuple[str, Hashable], tuple[object, Any]]


@dataclass(frozen=True)
class Listening:
    """One user's tracks, each once, the plays they are made of, and what was said of them.

    Tracks that the user never played, but said something about, are among them: they are known.

    Args:
        rows: int64, catalogue rows, ascending, shape (n,). Tracks outside it are left out.
        plays: Counted plays of each, shape (n,).
        finishes: Plays to the end, shape (n,).
        skips: Plays left before the end, shape (n,).
        last_at: Unix seconds at which each was last touched, counted or not, shape (n,); where
            it was never played, when something was said of it.
        play_of: For every play the position in `rows`, oldest play first, shape (n_plays,).
        play_at: float64 Unix seconds of every play, shape (n_plays,).
        play_counted: Whether it counts as a play, shape (n_plays,).
        play_finished: Whether it was heard to the end, shape (n_plays,).
        play_skipped: Whether it was left by the listener's hand, shape (n_plays,).
        said: What the user said of each track, a value of `Said`, shape (n,).
        said_at: Unix seconds at which it was said, NaN where nothing was, shape (n,).
        lowered: 0 … 1, what is left of the liking of each track since less was asked of its first
            artist, or of other tracks by that artist; shape (n,).
        source: The history and the feedback that were summed up, to be told by.
        since, until: The moments, in Unix microseconds, from the first to before the last, at
            which the same was known.
    """

    rows: Ints
    plays: Ints
    finishes: Ints
    skips: Ints
    last_at: Reals
    play_of: Ints
    play_at: Reals
    play_counted: Flags
    play_finished: Flags
    play_skipped: Flags
    said: npt.NDArray[np.int8]
    said_at: Reals
    lowered: Reals
    source: tuple[pa.Table, ...] = field(default=(), repr=False, compare=False)
    since: float = field(default=-np.inf, repr=False, compare=False)
    until: float = field(default=np.inf, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def remembered(self, name: str, key: Hashable, *, of: object, make: Callable[[], _T]) -> _T:
        """What was made of this listener before, else it is made now; it is its maker's alone.

        It lasts as long as the listening itself: whoever keeps that between two questions (see
        `prepared`) has the second one answered faster.

        Args:
            name: Who remembers, such as the name of a recommender.
            key: What it depends on besides the listener: the mix, the seeds. Never the moment.
            of: What it was made by, such as a learned matrix; made by another, it is made anew.
        """
        return _remembered(self._memo, name, key, of=of, make=make)

    @cached_property
    def _memo(self) -> _Memo:
        return {}

    def total(self, weights: Reals) -> Reals:
        """Sum one weight a play over each track, shape (n,)."""
        totals = np.bincount(self.play_of, weights=weights, minlength=len(self))
        return totals.astype(np.float64)

    @cached_property
    def _by_track(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.play_of, kind="stable")
        counts = np.bincount(self.play_of, minlength=len(self))
        return order, np.concatenate(([0], np.cumsum(counts)))

    def counted_plays_of(self, position: int) -> Ints:
        """Indices of one track's counted plays, oldest first."""
        order, offsets = self._by_track
        mine = order[offsets[position] : offsets[position + 1]]
        return np.asarray(mine[self.play_counted[mine]])

    @property
    def liked(self) -> Flags:
        """Tracks that the user said to like, shape (n,)."""
        return np.asarray(self.said == Said.LIKE)

    @property
    def less(self) -> Flags:
        """Tracks that the user asked to hear less of, shape (n,)."""
        return np.asarray(self.said == Said.LESS)

    def barred(self, now: float) -> Flags:
        """Tracks that answer nothing: hidden ones, and for 90 days those to hear less of, (n,).

        Args:
            now: Unix seconds.
        """
        rests = self.less & ~(now - self.said_at >= REST_DAYS * DAY)
        return np.asarray(rests | (self.said == Said.HIDE))

    def affinity(self, half_life_days: float = 180.0) -> Reals:
        """How much the user likes each track, shape (n,); below zero: mostly skipped, or unwanted.

        A finished play adds 1, another counted play 0.7, a skip takes 0.5 away, a like adds 5;
        each fades with its age, counted from the latest play, so that an old export loses
        nothing. A track to hear less of has 2 below zero, fading too, whatever was played; of
        others by its artist a part is left (`lowered`).
        """
        known = self._affinities.get(half_life_days)
        if known is None:
            known = self._affinities[half_life_days] = self._affinity(half_life_days)
        return known.copy()  # every recommender crosses out what it has no use for

    @cached_property
    def _values(self) -> Reals:
        """What each play says of its track, before it fades."""
        value = np.where(self.play_finished, 1.0, 0.7) * self.play_counted
        return np.asarray(value - 0.5 * self.play_skipped)

    @cached_property
    def _affinities(self) -> dict[float, Reals]:
        return {}

    def _affinity(self, half_life_days: float) -> Reals:
        if not len(self):
            return np.zeros(0)
        fading = np.exp2((self.play_at - self._latest) / (half_life_days * DAY))
        liking = self.total(fading * self._values)
        said = self._since_said(half_life_days)
        return self._judged(liking + np.where(self.liked, LIKE_PLAYS * said, 0.0), _LESS * said)

    def taken_up(self, half_life_days: float = 30.0) -> Reals:
        """How lately each track became the user's, shape (n,), -1 … 1.

        1 for a track first heard or liked now, less the longer ago that was; 0 without a counted
        play, and a third for what was skipped more often than played. Below zero: less of it was
        asked for. Where a user looks for new music now shows in what they took up lately, not in
        what they play again and again.
        """
        known = self._taken_up.get(half_life_days)
        if known is None:
            known = self._taken_up[half_life_days] = self._taken(half_life_days)
        return known.copy()

    @cached_property
    def _taken_up(self) -> dict[float, Reals]:
        return {}

    def _taken(self, half_life_days: float) -> Reals:
        if not len(self):
            return np.zeros(0)
        played = self.plays > 0
        age = np.where(played, self._latest - self._first_at, np.inf)
        taken = np.exp2(-age / (half_life_days * DAY)) * np.where(self.skips > self.plays, 1 / 3, 1)
        said = self._since_said(half_life_days)
        return self._judged(np.where(self.liked, np.maximum(taken, said), taken), -said)

    @cached_property
    def _first_at(self) -> Reals:
        """Unix seconds of the first play of each track, inf without one, shape (n,)."""
        first = np.full(len(self), np.inf)
        np.minimum.at(first, self.play_of, self.play_at)
        return first

    @cached_property
    def _unspoken(self) -> bool:
        """Whether nothing was said of anything."""
        return not self.said.any() and bool((self.lowered == 1).all())

    @cached_property
    def _latest(self) -> float:
        """The latest play, Unix seconds; without one, when something was last said."""
        return float(self.play_at.max() if len(self.play_at) else np.nanmax(self.said_at))

    def _since_said(self, half_life_days: float) -> Reals:
        """1 for what was said now, halved with every half-life; 0 where nothing was said."""
        if self._unspoken:
            return np.zeros(len(self))
        age = np.maximum(self._latest - self.said_at, 0.0)
        return np.nan_to_num(np.exp2(-age / (half_life_days * DAY)))

    def _judged(self, liking: Reals, unwanted: Reals) -> Reals:
        """The liking after what was said of artists, and of tracks to hear less of."""
        if self._unspoken:
            return liking
        liking = np.where(liking > 0, liking * self.lowered, liking)
        return np.where(self.less, unwanted, liking)


def remembered_for_now(
    heard: Listening,
    catalogue: Catalogue,
    name: str,
    key: Hashable,
    *,
    of: object,
    make: Callable[[], _T],
) -> _T:
    """As `Listening.remembered`, for what is large: only until another listener asks."""
    latest = catalogue.memo.get("for now")
    if latest is None or latest[0] is not heard:
        latest = catalogue.memo["for now"] = (heard, {})
    return _remembered(latest[1], name, key, of=of, make=make)


def _remembered(memo: _Memo, name: str, key: Hashable, *, of: object, make: Callable[[], _T]) -> _T:
    found = memo.get((name, key))
    if found is None or found[0] is not of:
        if len(memo) >= _REMEMBERED:
            memo.clear()
        found = memo[name, key] = (of, make())
    made: _T = found[1]
    return made


def listening(query: Query, catalogue: Catalogue) -> Listening:
    """The query's history up to its moment, as far as the catalogue knows its tracks.

    An answer is found again as long as somebody keeps it, and the latest one in any case: every
    recommender asks for the same in turn. It is told by the very tables of the query, not by what
    is in them. That of strangers, all of whom are alike, is always kept.
    """
    latest: tuple[Query, Listening] | None = catalogue.memo.get("listening to")
    if latest is None or latest[0] is not query:
        latest = catalogue.memo["listening to"] = query, _kept(query, catalogue)
    return latest[1]


def _kept(query: Query, catalogue: Catalogue) -> Listening:
    kept: WeakValueDictionary[tuple[int, ...], Listening] | None
    kept = catalogue.memo.get("listenings")
    if kept is None:
        kept = catalogue.memo["listenings"] = WeakValueDictionary()
    # an answer holds the tables, so that their ids stay theirs as long as it is there
    tables = (query.history, query.feedback)
    key = (*(id(table) if table.num_rows else 0 for table in tables),)
    heard, at = kept.get(key), _microseconds(query.now)
    if heard is None or not heard.since <= at < heard.until:
        heard = kept[key] = _listening(query, catalogue)
    catalogue.memo["listening" if any(key) else "stranger"] = heard
    return heard


def _listening(query: Query, catalogue: Catalogue) -> Listening:
    now, words = _microseconds(query.now), spoken(query, catalogue)
    history, micros = _plays(query.history)
    since, until = _same(now, micros, _micros(query.feedback[c.SAID_AT]))
    if until < np.inf and (micros > now).any():
        history, micros = history.filter(pa.array(micros <= now)), micros[micros <= now]
    encoded = pc.dictionary_encode(history[c.TRACK_ID].combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):  # an empty column may stay chunked
        encoded = encoded.combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    row_of_code = np.append(catalogue.id_index.rows(encoded.dictionary), -1)
    rows = np.sort(row_of_code[row_of_code >= 0])  # ids are distinct, and so are their rows
    if len(words.rows):
        rows = np.union1d(rows, words.rows)
    position = np.where(row_of_code >= 0, np.searchsorted(rows, row_of_code), -1)
    play_of = position[codes]
    kept = play_of >= 0
    if kept.all():
        heard = _tally(rows, play_of, micros / 1e6, _flags(history), words)
    else:
        flags = (flag[kept] for flag in _flags(history))
        heard = _tally(rows, play_of[kept], micros[kept] / 1e6, flags, words)
    source = (query.history, query.feedback)
    return replace(heard, source=source, since=since, until=until)


def _plays(history: pa.Table) -> tuple[pa.Table, Ints]:
    """The plays of which it is known when they were, and when that was in Unix microseconds."""
    whole = history.combine_chunks()
    if whole[c.PLAYED_AT].null_count:
        whole = whole.filter(whole[c.PLAYED_AT].is_valid()).combine_chunks()
    return whole, _micros(whole[c.PLAYED_AT])


def _same(now: int, *known: Ints) -> tuple[float, float]:
    """From which moment on, and before which one, the same is known as now."""
    since, until = -np.inf, np.inf
    for times in known:
        if not len(times):
            continue
        latest = int(times.max())
        if latest <= now:
            since = max(since, latest)
            continue
        before = times <= now
        since = max(since, times.max(where=before, initial=np.iinfo(np.int64).min))
        if not before.all():
            until = min(until, times.min(where=~before, initial=np.iinfo(np.int64).max))
    return float(since), float(until)


def _micros(column: pa.ChunkedArray) -> Ints:
    """Moments in Unix microseconds; unknown ones are left out."""
    at = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    return np.asarray((at.drop_null() if at.null_count else at).to_numpy())


def _flags(history: pa.Table) -> Iterator[Flags]:
    """Which plays counted, were heard to the end, and were left."""
    for name in (c.COUNTED, c.FINISHED, c.SKIPPED):
        column = history[name]
        known = column.fill_null(False) if column.null_count else column
        yield np.asarray(known.to_numpy(), dtype=bool)


def _tally(
    rows: Ints, play_of: Ints, play_at: Reals, flags: Iterable[Flags], words: Spoken
) -> Listening:
    counted, finished, skipped = flags
    finished = finished & counted
    said, said_at = np.zeros(len(rows), np.int8), np.full(len(rows), np.nan)
    word_of = np.searchsorted(rows, words.rows)
    said[word_of], said_at[word_of] = words.said, words.said_at
    last_at = np.full(len(rows), -np.inf)
    np.maximum.at(last_at, play_of, play_at)
    if (play_at[1:] < play_at[:-1]).any():
        order = np.argsort(play_at, kind="stable")
        play_of, play_at = play_of[order], play_at[order]
        counted, finished, skipped = counted[order], finished[order], skipped[order]
    n_rows = len(rows)
    return Listening(
        rows=rows,
        plays=np.bincount(play_of[counted], minlength=n_rows),
        finishes=np.bincount(play_of[finished], minlength=n_rows),
        skips=np.bincount(play_of[skipped], minlength=n_rows),
        last_at=np.where(np.isfinite(last_at), last_at, said_at),
        play_of=play_of,
        play_at=play_at,
        play_counted=counted,
        play_finished=finished,
        play_skipped=skipped,
        said=said,
        said_at=said_at,
        lowered=words.lowered(rows),
    )


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(seconds: float) -> datetime:
    """Unix seconds as aware UTC."""
    return datetime.fromtimestamp(float(seconds), tz=UTC)
