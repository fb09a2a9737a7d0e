"""Feedback: what somebody says of tracks, artists and plays, written down for good."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import ConfigError, NotReadyError
from segue.features.feedback_log import standing, without_not_me
from segue.flows.feedback_things import Things, title_of
from segue.flows.feedback_words import About, FeedbackReport, Word
from segue.flows.fresh_marts import FreshMarts
from segue.flows.listener import Marts, is_known
from segue.music import columns as c
from segue.music.feedback import HIDE, LESS, NOT_ME, RULES, SAID_HERE, UNDO, VERBS, Verb
from segue.music.lake_tables import FEEDBACK, REJECTS, LakeTable
from segue.warehouse.lake import Lake

__all__ = ["About", "FeedbackReport", "Word", "feedback", "keep_words", "words"]

_log = logging.getLogger(__name__)
_OF_ARTISTS: Final = (LESS, HIDE, UNDO)
_OF_PLAYS: Final = (NOT_ME, UNDO)


@dataclass(frozen=True, slots=True)
class _Said:
    """What is staged."""

    rows: pa.Table
    table: LakeTable = FEEDBACK

    @property
    def rejects(self) -> pa.Table:
        return REJECTS.empty_table()


def feedback(
    verb: Verb,
    about: About,
    *,
    lake: Lake,
    snapshot: Marts,
    user_id: str,
    now: datetime,
    at: datetime | None = None,
) -> FeedbackReport:
    """Write down what a user says; every playlist from now on knows it.

    Args:
        verb: What is said; see `segue.music.feedback`.
        about: Of what. All of it is found before anything is written.
        lake: Where it is kept.
        snapshot: Says which tracks, artists and sessions there are.
        user_id: Who says it.
        now: The time, aware.
        at: When it was said, aware; None: now.

    Raises:
        UnknownTrackError: A track is not here, or several fit.
        UnknownUserError: Others are known here, but not this user.
        ConfigError: An artist is not here, the word cannot be said of such a thing, no play is
            meant, or there is nothing to undo.
        NotReadyError: The user has no plays to speak of.
        BusyError: Something else is writing to the lake.
    """
    said_at = (at or now).astimezone(UTC)
    _check(verb, about, said_at, now)
    before = FreshMarts(snapshot, lake)
    is_known(before, user_id)
    said = {c.USER_ID: user_id, c.SOURCE: SAID_HERE, c.VERB: verb, c.SAID_AT: said_at}
    found = [{**thing, **said} for thing in Things(before, user_id).rows(about)]
    rows = pa.Table.from_pylist(found, schema=FEEDBACK.schema)
    after = FreshMarts(snapshot, lake, unwritten=rows)
    plays = _plays(snapshot, user_id) if verb in _OF_PLAYS else None
    changed = (
        None if plays is None else _left(plays, before, user_id) - _left(plays, after, user_id)
    )
    told = tuple(_word(row) for row in found)
    if changed == 0 and (verb == NOT_ME or _opinions(before, user_id) == _opinions(after, user_id)):
        raise _nothing(verb, told, user_id, any_plays=plays is not None and plays.num_rows > 0)
    keep_words(lake, rows, user_id=user_id, now=now)
    _log.info("feedback: %d × %s", len(told), verb)
    return FeedbackReport(user_id, told, None if changed is None else abs(changed))


def words(snapshot: Marts, user_id: str, *, every: bool = False) -> tuple[Word, ...]:
    """What a user said, the latest first; what follows from rules is not among it.

    Args:
        snapshot: Marts whose `feedback` is fresh.
        every: Also what was undone or replaced since.

    Raises:
        UnknownUserError: Others are known here, but not this user.
    """
    is_known(snapshot, user_id)
    by_hand = (pc.field(c.USER_ID) == user_id) & (pc.field(c.SOURCE) != RULES)
    log = snapshot.read("feedback", filters=by_hand)
    log = log.sort_by([(c.PLACE, "descending")])
    names = {**_names(snapshot, log, "tracks", c.TRACK_ID)}
    names |= _names(snapshot, log, "artists", c.ARTIST_ID)
    return tuple(
        _word({**row, **names.get(row[c.TRACK_ID] or row[c.ARTIST_ID], {})})
        for row in log.to_pylist()
        if every or row[c.STANDS]
    )


def _check(verb: Verb, about: About, said_at: datetime, now: datetime) -> None:
    """Whether this can be said of such things."""
    field, cure = "", ""
    if verb not in VERBS:
        field, cure = "verb", f"Choose one of {', '.join(VERBS)}."
    elif about.artists and verb not in _OF_ARTISTS:
        field, cure = "artist", "Of artists one can say: less, hide, undo."
    elif about.of_span and verb not in _OF_PLAYS:
        field, cure = "from", "Of plays one can say: not-me, undo."
    elif not about.tracks and not about.artists and not about.of_span:
        field, cure = "tracks", "Name a track: its id, a Spotify link or “Artist - Title”."
    if cure:
        raise ConfigError(f"“{verb}” cannot be said like this", field=field, cure=cure)
    if about.since and about.until and about.since > about.until:
        raise ConfigError(
            "the span of time ends before it begins", field="from", cure="Swap --from and --to."
        )
    if said_at > now:
        raise ConfigError("--at is in the future", field="at", cure="Leave it away for now.")


def _plays(snapshot: Marts, user_id: str) -> pa.Table:
    return snapshot.read(
        "plays", columns=[c.TRACK_ID, c.PLAYED_AT], filters=pc.field(c.USER_ID) == user_id
    )


def _left(plays: pa.Table, marts: Marts, user_id: str) -> int:
    """Plays that are the user's own."""
    return int(without_not_me(plays, marts.read("feedback"), user_id=user_id).num_rows)


def _opinions(marts: Marts, user_id: str) -> list[dict[str, Any]]:
    stands: list[dict[str, Any]] = standing(marts.read("feedback"), user_id).to_pylist()
    return stands


def _nothing(
    verb: Verb, told: tuple[Word, ...], user_id: str, *, any_plays: bool
) -> ConfigError | NotReadyError:
    """Why there is nothing to do: most likely a slip."""
    what = " and ".join(f"“{word.about}”" for word in told[:2])
    if verb == UNDO:
        return ConfigError(
            f"there is nothing to undo: nothing stands said of {what}",
            field="tracks",
            cure="`segue feedback list` shows what was said.",
        )
    if not any_plays:
        return NotReadyError(
            f"there are no plays of “{user_id}” here yet",
            cure="Import a history with `segue import`, then run `segue build`.",
        )
    return ConfigError(
        f"the history holds none of it: {what}",
        field="tracks",
        cure="Times are UTC; `segue feedback list` shows which plays are left out already.",
    )


def keep_words(
    lake: Lake, rows: pa.Table, *, user_id: str, now: datetime, source: str = SAID_HERE
) -> None:
    """Write words down, all or none.

    Args:
        rows: Of the lake's table.
        source: Who says them: a person here, or rules.

    Raises:
        BusyError: Something else is writing to the lake.
    """
    name = "segue feedback" if source == SAID_HERE else f"segue {source}"
    with (
        lake.writing(),
        lake.begin("feedback", lake.folder, user_id=user_id, name=name) as staged,
    ):
        staged.file(name, source)
        staged.stage(name, _Said(rows))
        staged.commit(now)


def _names(snapshot: Marts, log: pa.Table, mart: str, key: str) -> dict[str, Mapping[str, Any]]:
    """The names of what the log speaks of, by id."""
    ids = pc.unique(log[key].combine_chunks()).drop_null()
    columns = [key, c.ARTIST] if mart == "artists" else [key, c.TITLE, c.ARTIST, c.ARTISTS]
    found = snapshot.read(mart, columns=columns, filters=pc.field(key).isin(ids))
    return {row[key]: row for row in found.to_pylist()}


def _word(row: Mapping[str, Any]) -> Word:
    return Word(
        verb=row[c.VERB],
        kind=row[c.KIND],
        name=title_of(row) or row.get(c.TRACK_ID) or row.get(c.ARTIST_ID) or "",
        said_at=row[c.SAID_AT].astimezone(UTC),
        stands=row.get(c.STANDS, row[c.VERB] != UNDO),
        track_id=row.get(c.TRACK_ID),
        artist_id=row.get(c.ARTIST_ID),
        since=row.get(c.SINCE),
        until=row.get(c.UNTIL),
    )
