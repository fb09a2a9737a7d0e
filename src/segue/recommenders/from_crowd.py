"""What all recommenders that learn from a crowd alone have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.interactions import Interactions
from segue.features.listening import Listening, listening, remembered_for_now
from segue.features.ranked import Ranked
from segue.features.training_data import TrainingData
from segue.music import columns as c
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import load_array, load_settings, save_arrays, save_settings
from segue.recommenders.asked import Asked, artists_of, asked_by, strongest
from segue.recommenders.opinion import Learned, Opinion, position_among, strongest_ties
from segue.recommenders.ranking import (
    candidates,
    explained_before,
    fitted,
    proposed_before,
    searchable,
    spread,
    spread_best,
    steadied,
)

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["FromCrowd", "crowd_in"]

_ARTISTS_SHARE: Final = 0.6
_PER_LIKED_ARTIST: Final = 3

Mask = npt.NDArray[np.bool_]
Reals = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
L = TypeVar("L", bound=Learned)


@dataclass(frozen=True)
class _Side:
    """A question to what was learned of tracks, or of artists.

    Args:
        asked: The strongest of what the user likes that the crowd knows; at least one.
        positions: Where the crowd has it.
    """

    asked: Asked
    positions: Rows
    opinion: Opinion

    def ties(self, learned: Learned, found: Rows) -> tuple[Rows, Rows]:
        """See `strongest_ties`."""
        return strongest_ties(learned, self.opinion, positions=self.positions, found=found)


@dataclass(frozen=True)
class _Question:
    """What a user is to this model; a side is None where it has nothing to say.

    Args:
        usable: Tells which tracks may be answered, shape (n_tracks,).
        heard: None where tracks are asked about and not a user.
    """

    usable: Callable[[], Mask]
    heard: Listening | None
    of_tracks: _Side | None
    of_artists: _Side | None


def _side(learned: Learned, own: Asked, positions: Rows) -> _Side | None:
    asked, positions = strongest(own, positions)
    if not len(positions):
        return None
    return _Side(asked, positions, learned.opinion(positions, asked.liking))


class FromCrowd(ABC, Generic[L]):
    """Learns from listeners × tracks, and × artists for crowds that know these.

    The user's own plays are not learned from: they are part of the question, so that the latest
    play counts. For artists the answer is the best known tracks of the artists of highest score.

    Args:
        fewest_listeners: With a smaller crowd nothing is learned and nothing answered.
        per_artist: Most tracks of one artist in an answer.
        threads: For training and for answers in bulk; 0 means all cores.
    """

    name: ClassVar[str]
    _learned: ClassVar[type[Any]]

    def __init__(self, *, fewest_listeners: int, per_artist: int, threads: int) -> None:
        self.fewest_listeners = fewest_listeners
        self.per_artist = per_artist
        self.threads = threads
        self.catalogue_: Catalogue | None = None
        self.tracks_: L | None = None
        self.artists_: L | None = None
        self.artist_columns_: Rows = np.empty(0, np.int64)
        self._places: tuple[L, npt.NDArray[np.int32]] | None = None
        self._version = object()

    @abstractmethod
    def _learn(self, interactions: Interactions) -> L:
        """Learn from raw play counts of enough listeners, at least one of them above zero."""

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """Arguments of the constructor besides those of this class and the threads."""

    def fit(self, data: TrainingData) -> Self:
        """Learn what the crowd listens to."""
        return self._fitted(data, self.learned_from, self.learned_from)

    def _fitted(
        self,
        data: TrainingData,
        of_tracks: Callable[[Interactions], L | None],
        of_artists: Callable[[Interactions], L | None],
    ) -> Self:
        self.catalogue_ = data.catalogue
        self._version = object()
        self.tracks_ = of_tracks(crowd_in(data, self.fewest_listeners))
        self.artists_ = of_artists(data.artist_interactions)
        index = data.artist_interactions.track_index
        known = [index.get(artist, -1) for artist in data.catalogue.artist_ids]
        self.artist_columns_ = np.array(known, np.int64)
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """Tracks that listeners of the user's tracks play, each with the one that pulled most."""
        put = self._question(query)
        of_tracks = self._candidates(put, *self._by_tracks(put, k), self._why_tracks)
        of_artists = self._candidates(put, *self._by_artists(put, k), self._why_artists)
        return _merged(of_tracks, of_artists, k)

    def propose(self, query: Query, k: int) -> tuple[Rows, Reals]:
        """Rows and scores of the same, best first."""
        heard = listening(query, fitted(self.name, self.catalogue_))
        return proposed_before(
            self.name, query, heard, k, of=self._version, propose=lambda: self._propose(query, k)
        )

    def _propose(self, query: Query, k: int) -> tuple[Rows, Reals]:
        put = self._question(query)
        rows, scores = self._by_tracks(put, k)
        others, lower = self._by_artists(put, k)
        if not len(others):
            return rows, scores
        new = ~np.isin(others, rows)
        rows, scores = np.concatenate([rows, others[new]]), np.concatenate([scores, lower[new]])
        order = np.lexsort((rows, -scores))[:k]
        return rows[order], scores[order]

    def explain(self, query: Query, rows: Rows) -> Mapping[int, Evidence]:
        """The user's track, or artist, that pulled each of these most."""
        heard = listening(query, fitted(self.name, self.catalogue_))
        return explained_before(
            self.name,
            query,
            heard,
            rows,
            of=self._version,
            explain=lambda some: self._explain(query, some),
        )

    def _explain(self, query: Query, rows: Rows) -> dict[int, Evidence]:
        put = self._question(query)
        facts = zip(rows.tolist(), self._why_tracks(put, rows), strict=True)
        told = {row: fact for row, fact in facts if fact is not None}
        left = np.array([row for row in rows.tolist() if row not in told], np.int64)
        more = zip(left.tolist(), self._why_artists(put, left), strict=True)
        return told | {row: fact for row, fact in more if fact is not None}

    def similar(self, track_ids: Sequence[str], k: int) -> Candidates:
        """What listeners of these play besides."""
        catalogue = fitted(self.name, self.catalogue_)
        rows = catalogue.found(track_ids)
        usable = catalogue.named.copy()
        usable[rows] = False
        sides = self._sides(Asked(rows, np.ones(len(rows)), rows))
        put = _Question(lambda: usable, None, *sides)
        return self._candidates(put, *self._by_tracks(put, k), self._why_tracks)

    def top(self, histories: Interactions, k: int, *, known: bool = False) -> Ranked:
        """The k best tracks of every row, folded in; see `Batch`."""
        learned = self.tracks_
        if learned is None:
            fitted(self.name, self.catalogue_)
            shape = (histories.n_users, max(k, 0))
            return Ranked(np.full(shape, -1, np.int32), np.full(shape, -np.inf, np.float32))
        plays = self._known_plays(histories, learned)
        best_ = learned.top(plays, k, known=known, threads=self.threads)
        columns = np.append(learned.columns, -1).astype(np.int32)
        return Ranked(columns[best_.tracks], best_.scores)

    def scores(self, histories: Interactions) -> npt.NDArray[np.float32]:
        """Of every track, 0 where nobody of the crowd plays it; see `Scoring`."""
        found = np.zeros((histories.n_users, histories.n_tracks), np.float32)
        if self.tracks_ is None:
            fitted(self.name, self.catalogue_)
            return found
        plays = self._known_plays(histories, self.tracks_)
        found[:, self.tracks_.columns] = self.tracks_.all_scores(plays)
        return found

    def learned_from(self, interactions: Interactions) -> L | None:
        """What raw play counts teach, without keeping it; None from too small a crowd."""
        if interactions.n_users < self.fewest_listeners or not interactions.matrix.nnz:
            return None
        return self._learn(interactions)

    def silent_because(self) -> str | None:
        """Whether the crowd was too small."""
        if self.tracks_ is None and self.artists_ is None:
            return f"there is no crowd of at least {self.fewest_listeners} listeners"
        return None

    def save(self, folder: Path) -> None:
        """Write what was learned."""
        fitted(self.name, self.catalogue_)
        for prefix, learned in (("tracks", self.tracks_), ("artists", self.artists_)):
            if learned is not None:
                learned.save(folder, prefix)
        save_arrays(folder, {"artist_columns": self.artist_columns_})
        common = {"fewest_listeners": self.fewest_listeners, "per_artist": self.per_artist}
        settings = {**self._settings(), **common}
        have = {"tracks": self.tracks_ is not None, "artists": self.artists_ is not None}
        save_settings(folder, {"settings": settings, "learned": have})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read it back, mapped."""
        facts = load_settings(folder)
        model = cls(**facts["settings"])
        model.catalogue_ = catalogue
        if facts["learned"]["tracks"]:
            model.tracks_ = cls._learned.load(folder, "tracks")
        if facts["learned"]["artists"]:
            model.artists_ = cls._learned.load(folder, "artists")
        model.artist_columns_ = load_array(folder, "artist_columns")
        return model

    def _known_plays(self, histories: Interactions, learned: L) -> sp.csr_array:
        n_tracks = len(fitted(self.name, self.catalogue_))
        if histories.n_tracks != n_tracks:
            raise ValueError(
                f"{self.name}: histories of {histories.n_tracks} tracks, fitted on {n_tracks}"
            )
        if len(learned.columns) == n_tracks:
            return histories.matrix
        return histories.matrix[:, learned.columns].tocsr()

    def _question(self, query: Query) -> _Question:
        """The query as this model sees it."""
        catalogue = fitted(self.name, self.catalogue_)
        heard = listening(query, catalogue)

        def asked() -> Asked:
            return asked_by(query, heard, catalogue)

        key = (query.mix, query.seeds)
        own = heard.remembered("asked", key, of=catalogue, make=asked)
        of_tracks, of_artists = remembered_for_now(
            heard, catalogue, self.name, key, of=self._version, make=lambda: self._sides(own)
        )
        usable = partial(searchable, query, catalogue, heard)
        return _Question(usable, heard, of_tracks, of_artists)

    def _sides(self, own: Asked) -> tuple[_Side | None, _Side | None]:
        """What is asked of tracks, and of artists."""
        catalogue = fitted(self.name, self.catalogue_)
        of_artists = None
        if self.artists_ is not None:
            asked = artists_of(own, catalogue, self.artist_columns_)
            at = position_among(self.artists_.columns, asked.columns)
            of_artists = _side(self.artists_, asked, at)
        of_tracks = None
        if self.tracks_ is not None:
            of_tracks = _side(self.tracks_, own, self._positions(own.columns))
        return of_tracks, of_artists

    def _positions(self, rows: Rows) -> Rows:
        """Where tracks are among those that the crowd knows, -1 where nobody listens to one."""
        latest = self._places
        if latest is None or latest[0] is not self.tracks_:
            learned = self.tracks_
            assert learned is not None
            places = np.full(len(fitted(self.name, self.catalogue_)), -1, np.int32)
            places[learned.columns] = np.arange(len(learned.columns))
            latest = self._places = (learned, places)
        return latest[1][rows].astype(np.int64)

    def _candidates(
        self,
        put: _Question,
        rows: Rows,
        scores: Reals,
        why: Callable[[_Question, Rows], Sequence[Evidence | None]],
    ) -> Candidates:
        facts = why(put, rows)
        catalogue = fitted(self.name, self.catalogue_)
        return candidates(self.name, catalogue, rows, scores=scores, evidence=facts.__getitem__)

    def _by_tracks(self, put: _Question, k: int) -> tuple[Rows, Reals]:
        learned, catalogue, side = self.tracks_, fitted(self.name, self.catalogue_), put.of_tracks
        if learned is None or side is None:
            return np.empty(0, np.int64), np.empty(0)
        usable = put.usable()
        for wanted in (2 * k + 8, 8 * k + 8):
            positions, scores = side.opinion.best(usable, wanted)
            rows = learned.columns[positions]
            top = spread_best(scores, rows, catalogue, per_artist=self.per_artist, k=k)
            if len(top) == k or len(rows) < wanted:
                break
        return rows[top], steadied(scores[top])

    def _why_tracks(self, put: _Question, rows: Rows) -> list[Evidence | None]:
        learned, catalogue, side = self.tracks_, fitted(self.name, self.catalogue_), put.of_tracks
        if learned is None or side is None or not len(rows):
            return [None] * len(rows)
        found = self._positions(rows)
        others, together = side.ties(learned, found[found >= 0])
        names = catalogue.ids(side.asked.stands_for[others])
        facts: list[Evidence | None] = [None] * len(rows)
        for at, name, count in zip(
            np.flatnonzero(found >= 0).tolist(), names, together.tolist(), strict=True
        ):
            if count:
                facts[at] = Evidence(kind="like_you", other_id=name, listeners=count)
        return facts

    def _by_artists(self, put: _Question, k: int) -> tuple[Rows, Reals]:
        learned, side = self.artists_, put.of_artists
        if learned is None or side is None:
            return np.empty(0, np.int64), np.empty(0)
        return self._tracks_of_artists(learned, side.opinion.scores, put.usable(), k)

    def _why_artists(self, put: _Question, rows: Rows) -> list[Evidence | None]:
        learned, catalogue, side = self.artists_, fitted(self.name, self.catalogue_), put.of_artists
        if learned is None or side is None or not len(rows):
            return [None] * len(rows)
        codes = catalogue.artist_codes[rows]
        found = position_among(
            learned.columns, np.where(codes >= 0, self.artist_columns_[codes], -1)
        )
        others, together = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        others[found >= 0], together[found >= 0] = side.ties(learned, found[found >= 0])
        heard = put.heard
        plays = _plays_by_artist(heard, catalogue)[codes] if heard is not None else codes * 0
        new = ~np.isin(rows, heard.rows) if heard is not None else codes < 0

        def like_you(i: int) -> Evidence | None:
            if found[i] < 0:
                return None
            if plays[i] and new[i]:
                return Evidence(kind="artist", plays=int(plays[i]))
            if not together[i]:
                return None
            stands_for = int(side.asked.stands_for[others[i]])
            return Evidence(
                kind="like_you",
                other_id=catalogue.id_at(stands_for),
                listeners=int(together[i]),
                artist=_first_artist(catalogue, stands_for),
            )

        return [like_you(i) for i in range(len(rows))]

    def _tracks_of_artists(
        self, learned: L, preference: npt.NDArray[np.floating], usable: Mask, k: int
    ) -> tuple[Rows, Reals]:
        """The best known tracks of the artists of highest preference."""
        catalogue = fitted(self.name, self.catalogue_)
        codes = catalogue.artist_codes
        by_code = position_among(learned.columns, self.artist_columns_)
        by_code = np.append(by_code, -1)  # tracks of unknown artists look here
        position = by_code[codes]
        rows = np.flatnonzero(usable & (position >= 0))
        scores = steadied(preference[position[rows]])
        rows, scores = rows[scores > 0], scores[scores > 0]
        if len(rows) > 50 * k:
            kept = scores >= np.partition(scores, len(scores) - 50 * k)[len(scores) - 50 * k]
            rows, scores = rows[kept], scores[kept]
        fame = np.nan_to_num(catalogue.popularity[rows]) / 100
        order = np.lexsort((rows, -fame, -scores))
        top = spread(rows[order], catalogue, _PER_LIKED_ARTIST)[:k]
        score_of = dict(zip(rows.tolist(), (scores * (0.9 + 0.1 * fame)).tolist(), strict=True))
        found = steadied(_ARTISTS_SHARE * np.array([score_of[row] for row in top.tolist()]))
        again = np.lexsort((top, -found))
        return top[again], found[again]


def crowd_in(data: TrainingData, fewest: int) -> Interactions:
    """Whoever others can learn from: crowds, and the users here where they are a crowd themselves.

    A few people of a household are folded in when they ask, so that nothing is counted twice; of
    as many as a crowd needs, one user's own plays hardly count.

    Args:
        fewest: So many people are a crowd.
    """
    if len(data.local_users) >= fewest:
        return data.interactions
    return _without(data.interactions, data.local_users)


def _without(interactions: Interactions, users: tuple[str, ...]) -> Interactions:
    kept = np.flatnonzero(~np.isin(interactions.user_ids.astype(str), list(users)))
    if len(kept) == interactions.n_users:
        return interactions
    return Interactions(
        interactions.matrix[kept].tocsr(), interactions.user_ids[kept], interactions.track_ids
    )


def _plays_by_artist(heard: Listening, catalogue: Catalogue) -> npt.NDArray[np.float64]:
    """Counted plays of every artist, one more place for tracks without one (always 0)."""
    codes = catalogue.artist_codes[heard.rows]
    known = codes >= 0
    n_artists = len(catalogue.artist_ids) + 1
    total = np.bincount(codes[known], weights=heard.plays[known], minlength=n_artists)
    return np.asarray(total, dtype=np.float64)


def _first_artist(catalogue: Catalogue, row: int) -> str | None:
    names: list[str] | None = catalogue.tracks[c.ARTISTS][row].as_py()
    shown: str | None = catalogue.tracks[c.ARTIST][row].as_py()
    return names[0] if names else shown


def _merged(first: Candidates, second: Candidates, k: int) -> Candidates:
    """Both lists as one, best first; a track of both keeps its place and fact in the first."""
    present = set(first.track_ids)
    other = second.take(i for i, track in enumerate(second.track_ids) if track not in present)
    both = Candidates(
        first.track_ids + other.track_ids,
        first.scores + other.scores,
        first.sources + other.sources,
        first.evidence + other.evidence,
    )
    return both.with_scores(both.scores).take(range(min(k, len(both))))
