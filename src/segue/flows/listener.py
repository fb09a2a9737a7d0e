"""Reading one listener out of a snapshot: the history of a query, and what the steps must know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import UnknownUserError
from segue.features.catalogue import Catalogue
from segue.features.feedback_log import standing, without_not_me
from segue.flows.heard_tracks import HeardTracks
from segue.flows.opinions import known_at, with_opinions
from segue.music import columns as c
from segue.music.names import artist_key
from segue.music.query import FEEDBACK, HISTORY
from segue.playlists.listener import Listener

__all__ = ["Marts", "Person", "Records", "find_person", "is_known", "person_of"]
__all__ += ["rows_of", "track_by_ref"]

_KEPT = "saved_track"
_BANNED_TRACK = "banned_track"
_BANNED_ARTIST = "banned_artist"


class Marts(Protocol):
    """The part of a snapshot that is needed here."""

    def read(
        self, mart: str, *, columns: Sequence[str] | None = None, filters: Any = None
    ) -> pa.Table:
        """A mart as Arrow."""


@dataclass(frozen=True)
class Person:
    """Who asks, and when.

    Args:
        user_id: None for a stranger.
        now: The moment of the playlist, aware UTC.
        history: Plays up to then, in the HISTORY schema.
        listener: The same as sets and counts.
        feedback: What they said up to then, in the FEEDBACK schema.
    """

    user_id: str | None
    now: datetime
    history: pa.Table
    listener: Listener
    feedback: pa.Table = field(default_factory=FEEDBACK.empty_table)


@dataclass(frozen=True, slots=True)
class Records:
    """What is kept of one user: rows of the marts, and nobody else's.

    Args:
        plays: In the HISTORY schema, oldest first.
        library: kind, track_id, artist_id and added_at of what is saved, followed or banned.
        entries: track_id and added_at of entries of playlists.
        feedback: Words in their order, in the schema of the mart.
    """

    plays: pa.Table
    library: pa.Table
    entries: pa.Table
    feedback: pa.Table


def person_of(
    records: Records,
    snapshot: Marts,
    catalogue: Catalogue,
    *,
    user_id: str,
    now: datetime,
    until: datetime | None = None,
    undated: bool = True,
) -> Person:
    """The listener that these records tell of.

    Args:
        snapshot: Says what artists are called.
        catalogue: The tracks of the bundle.
        now: The moment, aware UTC; later plays do not count.
        until: Later words do not count; None: all do.
        undated: Whether what is saved, nobody knows since when, counts as saved by then.
    """
    log = records.feedback
    history = without_not_me(_by_moment(records.plays, now), log, until, user_id=user_id)
    feedback = known_at(standing(log, user_id, until), now)
    listener = with_opinions(
        _listener(
            snapshot,
            history,
            _by_then(records.library, now, undated),
            _by_then(records.entries, now, undated),
        ),
        feedback,
        now,
        rows_of=partial(rows_of, catalogue),
        names_of=partial(_artist_names, snapshot),
    )
    return Person(user_id, now, history, listener, feedback)


def find_person(
    snapshot: Marts,
    catalogue: Catalogue,
    *,
    user_id: str | None,
    now: datetime | None,
    otherwise: datetime,
    undated: bool = True,
) -> Person:
    """Look the user up and read what is needed of them.

    Where nobody has a history, a library or feedback yet, anybody is a stranger. Without a moment
    every word of feedback counts, also what was said long after the last play; with one, only
    what was said by then.

    Args:
        catalogue: The tracks of the bundle.
        now: None: just after the user's last play, else the last play of anybody, else
            `otherwise`, so that an old export is not a pile of forgotten tracks.
        undated: Whether what is saved, nobody knows since when, counts as saved by then.

    Raises:
        UnknownUserError: Others are known here, but not this user.
    """
    users = snapshot.read("users", columns=[c.USER_ID, c.LAST_PLAYED_AT])
    last_played = dict(zip(*(users[name].to_pylist() for name in users.column_names), strict=True))
    log = snapshot.read("feedback")
    columns = [c.USER_ID, c.KIND, c.TRACK_ID, c.ARTIST_ID, c.ADDED_AT]
    library = snapshot.read("library", columns=columns)
    if user_id is not None and not is_known(snapshot, user_id):
        user_id = None
    until = now
    if now is None:
        now = _after(last_played, user_id, otherwise)
    if user_id is None:
        return Person(None, now, HISTORY.empty_table(), Listener())
    records = Records(
        plays=_history(snapshot, user_id, now),
        library=library.filter(pc.equal(library[c.USER_ID], user_id)),
        entries=snapshot.read(
            "playlist_tracks",
            columns=[c.TRACK_ID, c.ADDED_AT],
            filters=pc.field(c.USER_ID) == user_id,
        ),
        feedback=log,
    )
    return person_of(
        records, snapshot, catalogue, user_id=user_id, now=now, until=until, undated=undated
    )


def is_known(snapshot: Marts, user_id: str) -> bool:
    """Whether the user has a history, a library or feedback here; False where nobody has.

    Raises:
        UnknownUserError: Others have, but not this user.
    """
    marts = ("users", "library", "feedback")
    columns = [snapshot.read(mart, columns=[c.USER_ID])[c.USER_ID] for mart in marts]
    chunks = [chunk for column in columns for chunk in column.chunks]
    everybody = sorted(pc.unique(pa.chunked_array(chunks, pa.string())).to_pylist())
    if everybody and user_id not in everybody:
        raise UnknownUserError(user_id, known=tuple(everybody), cure=_cure(everybody))
    return bool(everybody)


def track_by_ref(snapshot: Marts) -> Callable[[str], str | None]:
    """Looks a `track_ref` up among all that a build has seen."""

    def look_up(ref: str) -> str | None:
        found = snapshot.read(
            "track_matches", columns=[c.TRACK_ID], filters=pc.field(c.TRACK_REF) == ref
        )
        return found[c.TRACK_ID][0].as_py() if found.num_rows else None

    return look_up


def _by_moment(plays: pa.Table, now: datetime) -> pa.Table:
    """The plays up to a moment."""
    until = pa.scalar(now, HISTORY.field(c.PLAYED_AT).type)
    kept = pc.less_equal(plays[c.PLAYED_AT], until)
    return plays if pc.all(kept).as_py() is not False else plays.filter(kept)


def _by_then(entries: pa.Table, now: datetime, undated: bool) -> pa.Table:
    """The entries that were added up to a moment."""
    if not entries.num_rows:
        return entries
    until = pa.scalar(now, entries.schema.field(c.ADDED_AT).type)
    return entries.filter(pc.fill_null(pc.less_equal(entries[c.ADDED_AT], until), undated))


def rows_of(catalogue: Catalogue, track_ids: Iterable[str], columns: Sequence[str]) -> pa.Table:
    """The rows of these tracks, in their order; ids that are not there are left out."""
    rows = catalogue.rows(list(track_ids))
    return catalogue.tracks.select(list(columns)).take(rows[rows >= 0])


def _after(
    last_played: dict[str, datetime | None], user_id: str | None, otherwise: datetime
) -> datetime:
    own = last_played.get(user_id) if user_id is not None else None
    latest = own or max((at for at in last_played.values() if at), default=None)
    return latest + timedelta(seconds=1) if latest else otherwise


def _cure(users: Sequence[str]) -> str:
    some = ", ".join(f"“{name}”" for name in users[:5])
    more = f" and {len(users) - 5:,} more" if len(users) > 5 else ""
    known = f"Known here: {some}{more}" if len(users) > 1 else f"The only user here is {some}"
    return f"{known}; choose with --user, or import a history with `segue import --user`."


def _history(snapshot: Marts, user_id: str, now: datetime) -> pa.Table:
    plays = snapshot.read(
        "plays",
        columns=HISTORY.names,
        filters=(pc.field(c.USER_ID) == user_id)
        & (pc.field(c.PLAYED_AT) <= pa.scalar(now, HISTORY.field(c.PLAYED_AT).type)),
    )
    plays = plays.filter(pc.is_valid(plays[c.TRACK_ID]))
    return plays.cast(HISTORY).sort_by([(c.PLAYED_AT, "ascending"), (c.TRACK_ID, "ascending")])


def _listener(snapshot: Marts, history: pa.Table, library: pa.Table, entries: pa.Table) -> Listener:
    kept = _ids(library, _KEPT, c.TRACK_ID).union(_known(entries[c.TRACK_ID]))
    banned = _ids(library, _BANNED_ARTIST, c.ARTIST_ID)
    return Listener(
        heard=_heard(history),
        kept=kept,
        banned_tracks=_ids(library, _BANNED_TRACK, c.TRACK_ID),
        banned_artists=_artist_names(snapshot, banned),
        first_at=history[c.PLAYED_AT][0].as_py() if history.num_rows else None,
    )


def _heard(history: pa.Table) -> HeardTracks:
    if not history.num_rows:
        return HeardTracks((), (), ())
    plays = history.combine_chunks()  # so that each column is one array
    tracks = pc.dictionary_encode(plays[c.TRACK_ID].chunk(0))
    track_of = tracks.indices.to_numpy()
    counted = plays[c.COUNTED].chunk(0).fill_null(False).to_numpy(zero_copy_only=False)
    micros = plays[c.PLAYED_AT].chunk(0).cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    last_at = np.full(len(tracks.dictionary), np.iinfo(np.int64).min)
    np.maximum.at(last_at, track_of, micros.to_numpy())
    return HeardTracks(
        tracks.dictionary.to_pylist(),
        np.bincount(track_of[counted], minlength=len(last_at)).tolist(),
        last_at.tolist(),
    )


def _ids(library: pa.Table, kind: str, column: str) -> frozenset[str]:
    if not library.num_rows:
        return frozenset()
    return _known(library.filter(pc.equal(library[c.KIND], kind))[column])


def _known(column: pa.ChunkedArray) -> frozenset[str]:
    return frozenset(column.drop_null().to_pylist())


def _artist_names(snapshot: Marts, artist_ids: frozenset[str]) -> frozenset[str]:
    """Bans are kept by id, and tracks credit names."""
    if not artist_ids:
        return frozenset()
    artists = snapshot.read(
        "artists",
        columns=[c.ARTIST],
        filters=pc.field(c.ARTIST_ID).isin(sorted(artist_ids)),
    )
    return frozenset(artist_key(name) for name in artists[c.ARTIST].to_pylist() if name)
