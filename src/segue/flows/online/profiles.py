"""What a user is like: favourites, habits and the latest plays, of history and events together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.events.profiles import HALF_LIFE, Profile, Share, TrackFacts, portrait
from segue.features.catalogue import Catalogue
from segue.flows.listener import Person
from segue.flows.online.answers import Named, Recent, UserProfile
from segue.flows.track_facts import FACT_COLUMNS, facts_of_row
from segue.music import columns as c
from segue.music.feedback import HIDE, LESS, LIKE

__all__ = ["profile_of"]

_RECENT: Final = 50
_HEAVIEST: Final = 2_000
_STARTED: Final = 0.25
_FINISHED: Final = 0.75
_LIKED: Final = 3.0
"""Weights as in `segue.events.profiles`: of a play, of its end, and of a word of praise."""


def profile_of(person: Person, catalogue: Catalogue, user_id: str) -> UserProfile:
    """What is known of a listener.

    Args:
        person: Their history and what they said.
        catalogue: What is known of tracks.
    """
    plays = person.history
    counted, finished, skipped = (
        int(pc.sum(plays[name]).as_py() or 0) for name in (c.COUNTED, c.FINISHED, c.SKIPPED)
    )
    ended = finished + skipped
    at = plays[c.PLAYED_AT]
    weights = _weights(person)

    def facts(tracks: Collection[str]) -> Mapping[str, TrackFacts]:
        return {track: facts_of_row(row) for track, row in _rows(catalogue, tracks).items()}

    taste = portrait(Profile(weights=weights), facts)
    return UserProfile(
        user_id=user_id,
        plays=counted,
        skips=skipped,
        finishes=finished,
        skip_rate=skipped / ended if ended else None,
        finish_rate=finished / ended if ended else None,
        distinct_tracks=len(person.listener.heard),
        first_played_at=at[0].as_py() if len(at) else None,
        last_played_at=at[-1].as_py() if len(at) else None,
        tracks=_named(taste.tracks),
        artists=_named(taste.artists),
        genres=_named(taste.genres),
        eras=_named(taste.eras),
        audio_features=taste.sound,
        recent=_recent(plays.slice(max(plays.num_rows - _RECENT, 0)), catalogue),
        said=dict(sorted(Counter(person.feedback[c.VERB].to_pylist()).items())),
    )


def _weights(person: Person) -> dict[str, float]:
    """The heaviest tracks, each with the logarithm of its weight; none that is not wanted."""
    said = person.feedback.select([c.TRACK_ID, c.VERB, c.SAID_AT])
    liked = said.filter(pc.equal(said[c.VERB], LIKE))
    plays = person.history.filter(pc.fill_null(person.history[c.COUNTED], False))
    tracks = pa.concat_arrays(
        [chunk for column in (plays, liked) for chunk in column[c.TRACK_ID].chunks]
        or [pa.array([], pa.string())]
    ).dictionary_encode()
    if not len(tracks):
        return {}
    value = np.where(plays[c.FINISHED].to_numpy(), _STARTED + _FINISHED, _STARTED)
    value = np.concatenate([value, np.full(liked.num_rows, _LIKED)])
    us = np.concatenate([_micros(plays[c.PLAYED_AT]), _micros(liked[c.SAID_AT])])
    age = (us - us.max()) / (HALF_LIFE.total_seconds() * 1e6)
    sums = np.bincount(tracks.indices.to_numpy(), weights=value * np.exp2(age))
    with np.errstate(divide="ignore"):
        logs = np.log2(sums)
    unwanted = pc.is_in(said[c.VERB], pa.array([LESS, HIDE]))
    others = set(said.filter(unwanted)[c.TRACK_ID].to_pylist())
    names = tracks.dictionary.to_pylist()
    heaviest = np.argsort(-logs, kind="stable")[:_HEAVIEST].tolist()
    return {
        names[at]: float(logs[at])
        for at in heaviest
        if names[at] not in others and np.isfinite(logs[at])
    }


def _micros(column: pa.ChunkedArray) -> Any:
    return column.cast(pa.int64()).to_numpy()


def _rows(catalogue: Catalogue, tracks: Collection[str]) -> dict[str, dict[str, Any]]:
    rows = catalogue.found(tracks)
    found = catalogue.tracks.select(list(FACT_COLUMNS)).take(pa.array(rows)).to_pylist()
    return {row[c.TRACK_ID]: row for row in found}


def _named(shares: tuple[Share, ...]) -> tuple[Named, ...]:
    return tuple(Named(one.name, one.share) for one in shares)


def _recent(plays: pa.Table, catalogue: Catalogue) -> tuple[Recent, ...]:
    ids = plays[c.TRACK_ID].to_pylist()
    rows = catalogue.found(set(ids))
    names = catalogue.tracks.select([c.TRACK_ID, c.TITLE, c.ARTISTS]).take(pa.array(rows))
    known = {row[c.TRACK_ID]: row for row in names.to_pylist()}
    return tuple(
        Recent(
            track_id=row[c.TRACK_ID],
            title=known.get(row[c.TRACK_ID], {}).get(c.TITLE),
            artists=tuple(known.get(row[c.TRACK_ID], {}).get(c.ARTISTS) or ()),
            played_at=row[c.PLAYED_AT],
            finished=bool(row[c.FINISHED]),
            skipped=bool(row[c.SKIPPED]),
        )
        for row in reversed(plays.to_pylist())
    )
