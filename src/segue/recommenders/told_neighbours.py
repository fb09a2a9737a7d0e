"""Tracks that open services call like the user's, or recommend to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import Listening, listening
from segue.features.training_data import Neighbours as Likeness
from segue.features.training_data import TrainingData
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import load_array, load_settings, save_arrays, save_settings
from segue.recommenders.ranking import (
    answer_of,
    best,
    candidates,
    explained_before,
    fitted,
    proposed_before,
    searchable,
    spread_best,
    steadied,
)

__all__ = ["Neighbours"]

_ARRAYS: Final = ("subjects", "tracks", "scores", "kinds", "services")
_EVIDENCE: Final = ("alike", "like_artist", "told")
_TRUST: Final = np.array([1.0, 0.5, 1.0])  # in similar tracks, tracks of similar artists, advice
_ADVICE: Final = 2
_HALF_LIFE_DAYS: Final = 180.0
_TITLES: Final[Mapping[str, str]] = {"listenbrainz": "ListenBrainz", "lastfm": "Last.fm"}

Rows = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


class Neighbours:
    """Adds up, over the tracks that the user likes, what open services call similar to them.

    A track-to-track neighbourhood as in Sarwar et al. (2001), "Item-based Collaborative Filtering
    Recommendation Algorithms", whose similarities were told instead of learned (`segue enrich`).
    What is liked counts by its root, so that a beloved track does not speak alone.

    Args:
        asked: Most tracks of the user that are looked at, the best liked ones.
        per_artist: Most tracks of one artist in an answer.
    """

    name: ClassVar[str] = "neighbours"

    def __init__(self, *, asked: int = 1_000, per_artist: int = 4) -> None:
        self.asked = asked
        self.per_artist = per_artist
        self.catalogue_: Catalogue | None = None
        self.likeness_: Likeness | None = None

    def fit(self, data: TrainingData) -> Self:
        """Put what is alike in order, recommendations at the end."""
        told = data.neighbours
        order = np.lexsort((told.tracks, told.services, told.subjects, told.kinds == _ADVICE))
        parts = {name: getattr(told, name)[order] for name in _ARRAYS}
        self.catalogue_ = data.catalogue
        self.likeness_ = Likeness(**parts, names=told.names, users=told.users)
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """What is like the seeds or like what the user likes, and what is recommended to them."""
        return answer_of(self, query, k, catalogue=self._state()[0])

    def propose(self, query: Query, k: int) -> tuple[Rows, Reals]:
        """Rows and scores of the same, best first."""
        catalogue, likeness = self._state()
        heard = listening(query, catalogue)
        return proposed_before(
            self.name,
            query,
            heard,
            k,
            of=likeness,
            propose=lambda: self._propose(query, heard, k),
        )

    def explain(self, query: Query, rows: Rows) -> Mapping[int, Evidence]:
        """What says most for each of these."""
        catalogue, likeness = self._state()
        heard = listening(query, catalogue)

        def explain(some: Rows) -> dict[int, Evidence]:
            told, parts = self._told(query, heard)
            wanted = np.isin(likeness.tracks[told], some)
            return self._facts(told[wanted], parts[wanted])

        return explained_before(self.name, query, heard, rows, of=likeness, explain=explain)

    def similar(self, track_ids: Sequence[str], k: int) -> Candidates:
        """What services call like any of these."""
        catalogue, _ = self._state()
        rows = np.unique(catalogue.found(track_ids))
        told, parts = self._of(rows, np.ones(len(rows)))
        found, scores = self._summed(told, parts)
        usable = catalogue.named[found] & ~np.isin(found, rows)
        found, scores = found[usable], scores[usable]
        top = best(scores, k)
        facts = self._facts(told, parts)
        return candidates(
            self.name,
            catalogue,
            found[top],
            scores=scores[top],
            evidence=lambda i: facts.get(int(found[top[i]])),
        )

    def silent_because(self) -> str | None:
        """Whether nobody was asked."""
        empty = self.likeness_ is None or not len(self.likeness_)
        return "no open service was asked what is alike (segue enrich)" if empty else None

    def save(self, folder: Path) -> None:
        """Write what is alike."""
        _, likeness = self._state()
        save_arrays(folder, {name: getattr(likeness, name) for name in _ARRAYS})
        settings = {"asked": self.asked, "per_artist": self.per_artist}
        names = {"names": likeness.names, "users": likeness.users}
        save_settings(folder, {"settings": settings, **names})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read it back, mapped."""
        facts = load_settings(folder)
        model = cls(**facts["settings"])
        model.catalogue_ = catalogue
        arrays = {name: load_array(folder, name) for name in _ARRAYS}
        names, users = tuple(facts["names"]), tuple(facts["users"])
        model.likeness_ = Likeness(**arrays, names=names, users=users)
        return model

    # --- what speaks for what -------------------------------------------------------------------

    def _propose(self, query: Query, heard: Listening, k: int) -> tuple[Rows, Reals]:
        catalogue, _ = self._state()
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0)
        rows, scores = self._summed(*self._told(query, heard))
        usable = searchable(query, catalogue, heard)[rows]
        rows, scores = rows[usable], scores[usable]
        top = spread_best(scores, rows, catalogue, per_artist=self.per_artist, k=k)
        return rows[top], steadied(scores[top])

    def _told(self, query: Query, heard: Listening) -> tuple[Rows, Reals]:
        """Which rows of the likeness speak to this user, and how much each says."""
        catalogue, likeness = self._state()
        seeds = catalogue.found(query.seeds)
        if query.mix == "similar" and len(seeds):
            return self._of(seeds, np.ones(len(seeds)))
        liking = heard.affinity(_HALF_LIFE_DAYS)
        top = best(np.where(liking > 0, liking, -np.inf), self.asked)
        mine = np.sqrt(liking[top] / liking[top].max(initial=1e-9))
        told, parts = self._of(
            np.concatenate([seeds, heard.rows[top]]), np.concatenate([np.full(len(seeds), 2), mine])
        )
        if query.user_id not in likeness.users:
            return told, parts
        begins = self._begin_of_advice
        place = likeness.users.index(query.user_id)
        advice = begins + np.flatnonzero(likeness.subjects[begins:] == place)
        return (
            np.concatenate([told, advice]),
            np.concatenate([parts, likeness.scores[advice] * _TRUST[_ADVICE]]),
        )

    def _of(self, rows: Rows, weights: Reals) -> tuple[Rows, Reals]:
        """The rows of the likeness about some tracks, weighed."""
        _, likeness = self._state()
        subjects = likeness.subjects[: self._begin_of_advice]
        starts = np.searchsorted(subjects, rows, "left")
        sizes = np.searchsorted(subjects, rows, "right") - starts
        owner = np.repeat(np.arange(len(rows)), sizes)
        told = np.arange(len(owner)) + np.repeat(starts - np.cumsum(sizes) + sizes, sizes)
        trust = _TRUST[likeness.kinds[told]]
        return told.astype(np.int64), likeness.scores[told] * trust * weights[owner]

    @property
    def _begin_of_advice(self) -> int:
        _, likeness = self._state()
        return int(np.searchsorted(likeness.kinds == _ADVICE, True))

    def _summed(self, told: Rows, parts: Reals) -> tuple[Rows, Reals]:
        """Tracks, ascending, and what is said for each."""
        _, likeness = self._state()
        tracks, place = np.unique(likeness.tracks[told], return_inverse=True)
        total = np.bincount(place, weights=parts, minlength=len(tracks)).astype(np.float64)
        return tracks, total

    def _facts(self, told: Rows, parts: Reals) -> dict[int, Evidence]:
        """For each track the row that says most."""
        catalogue, likeness = self._state()
        found: dict[int, Evidence] = {}
        for row in told[np.argsort(-steadied(parts), kind="stable")].tolist():
            track = int(likeness.tracks[row])
            if track in found:
                continue
            kind, subject = int(likeness.kinds[row]), int(likeness.subjects[row])
            service = likeness.names[int(likeness.services[row])]
            found[track] = Evidence(
                kind=_EVIDENCE[kind],
                other_id=None if kind == _ADVICE else catalogue.ids([subject])[0],
                service=_TITLES.get(service, service),
            )
        return found

    def _state(self) -> tuple[Catalogue, Likeness]:
        catalogue = fitted(self.name, self.catalogue_)
        assert self.likeness_ is not None
        return catalogue, self.likeness_
