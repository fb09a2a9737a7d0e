"""Compare: two recommenders in the same playlists, and which of them the listener prefers."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from random import Random
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import ConfigError
from segue.evaluation.preference import Impression, Preference, preference
from segue.evaluation.team_draft import Team
from segue.features.feedback_log import said_by, standing, without_not_me
from segue.flows.drafting import Contender, drafted
from segue.flows.listener import Marts
from segue.flows.wishes import Wishes
from segue.music import columns as c
from segue.music.feedback import HIDE, LESS, LIKE
from segue.music.playlist import Playlist
from segue.recommenders.bundle import Bundle
from segue.warehouse.experiments import Experiment, ExperimentStore, Place, Record

__all__ = ["COUNTS_FOR", "Home", "Tally", "another", "chosen", "start", "tally"]

_log = logging.getLogger(__name__)

COUNTS_FOR: Final = timedelta(days=28)
"""For so long after a playlist was made its tracks' plays count for it."""

_PLAY_COLUMNS: Final = (c.TRACK_ID, c.PLAYED_AT, c.COUNTED, c.FINISHED, c.SKIPPED)


@dataclass(frozen=True, slots=True)
class Home:
    """What playlists are made with, for whom, and when.

    Args:
        snapshot: Marts whose `feedback` is fresh.
        now: The time, aware.
    """

    bundle: Bundle
    snapshot: Marts
    user_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """An experiment with what came of it.

    Args:
        users: Who got its playlists, sorted.
        until: The last moment that the history tells of, None without a play.
    """

    experiment: Experiment
    users: tuple[str, ...]
    preference: Preference
    until: datetime | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "experiment": self.experiment.as_dict(),
            "users": list(self.users),
            "until": self.until.isoformat() if self.until else None,
            **self.preference.as_dict(),
        }


def start(
    store: ExperimentStore,
    a: str,
    b: str,
    *,
    home: Home,
    wishes: Wishes,
    name: str | None,
    seed: int,
    as_of: datetime | None = None,
) -> Playlist:
    """Set up an experiment and make its first playlist; nothing is kept if that cannot be made.

    Args:
        a: The first contender as typed, see `Contender`.
        b: The second; the same as the first is a test of the test.
        home: Models, marts, user and time.
        wishes: Mix, size and seeds of its playlists; other options where a contender has none.
        name: None: made of what is compared.
        seed: Of the coins.
        as_of: See `another`.

    Raises:
        ConfigError: A contender cannot be one, or the name is taken.
        UnknownUserError: Others have a history here, but not this user.
        NotReadyError: One of the contenders has nothing to propose.
    """
    experiment = Experiment(
        name=name or _name(store, f"{a}-or-{b}-{wishes.mix}"),
        a=a,
        b=b,
        mix=wishes.mix,
        size=wishes.size,
        seeds=wishes.seeds,
        seed=seed,
        started_at=home.now.astimezone(UTC),
    )
    playlist, places = _drafted(experiment, store, home, wishes, as_of)
    store.start(experiment)
    _keep(experiment, store, home, places, as_of)
    return playlist


def another(
    experiment: Experiment,
    store: ExperimentStore,
    *,
    home: Home,
    wishes: Wishes,
    as_of: datetime | None = None,
) -> Playlist:
    """Make the next playlist of an experiment, and remember whose track each is.

    Args:
        home: Models, marts, user and time; plays count from that time on.
        wishes: The usual options; mix, size and seeds are the experiment's.
        as_of: The moment that the playlist is for, and from which plays count; None: as for
            `recommend`, and the time.

    Raises:
        UnknownUserError: Others have a history here, but not this user.
        NotReadyError: One of the contenders has nothing to propose.
        ConfigError: A contender is no longer among the trained models.
    """
    playlist, places = _drafted(experiment, store, home, wishes, as_of)
    _keep(experiment, store, home, places, as_of)
    return playlist


def _name(store: ExperimentStore, told: str) -> str:
    """A plain name; another number if one of that name was stopped."""
    plain = re.sub(r"[^a-z0-9_.=+-]+", "-", told.lower()).strip("-.")[:80]
    stopped = {one.name for one in store.all() if one.stopped_at is not None}
    numbered = (f"{plain}-{number}" for number in count(2))
    return next(name for name in chain((plain,), numbered) if name not in stopped)


def _drafted(
    experiment: Experiment,
    store: ExperimentStore,
    home: Home,
    wishes: Wishes,
    as_of: datetime | None,
) -> tuple[Playlist, tuple[Place, ...]]:
    usual = replace(wishes, mix=experiment.mix, size=experiment.size, seeds=experiment.seeds)
    names = list(home.bundle.recommenders)
    # the coin depends on how many playlists this user had: the next one has coins of its own
    before = sum(one.user_id == home.user_id for one in store.records(experiment.name))
    coin = f"{experiment.seed}\x1f{experiment.name}\x1f{home.user_id}\x1f{before}"
    playlist, picks = drafted(
        (
            Contender.parse(experiment.a, usual, names, option="a"),
            Contender.parse(experiment.b, usual, names, option="b"),
        ),
        experiment.size,
        bundle=home.bundle,
        snapshot=home.snapshot,
        user_id=home.user_id,
        now=as_of,
        rng=Random(coin),  # noqa: S311  # a coin to toss, not a secret
        label=experiment.name,
    )
    return playlist, tuple(Place(pick.track_id, pick.team, pick.round) for pick in picks)


def _keep(
    experiment: Experiment,
    store: ExperimentStore,
    home: Home,
    places: tuple[Place, ...],
    as_of: datetime | None,
) -> None:
    made_at = (as_of or home.now).astimezone(UTC)
    store.add(experiment.name, lambda number: Record(number, home.user_id, made_at, places))
    _log.info("compare: %d tracks interleaved", len(places))


def chosen(store: ExperimentStore, name: str | None, *, running: bool = False) -> Experiment:
    """The experiment that is meant: by its name, or the only one.

    Raises:
        ConfigError: There is none such, or several; the cure names them.
    """
    everything = store.all()
    fitting = [one for one in everything if one.stopped_at is None or not running]
    found = [one for one in fitting if name in (None, one.name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"“{one.name}”" for one in fitting)
    if found:
        what = "there are several experiments"
    elif name is not None and any(one.name == name for one in everything):
        what = f"the experiment “{name}” is stopped"
    elif name is not None:
        what = f"there is no experiment “{name}”"
    else:
        what = "no experiment is running" if everything else "there is no experiment yet"
    raise ConfigError(
        what,
        field="name",
        cure=f"Name one of {names}." if names else "Begin with `segue compare start`.",
    )


def tally(
    experiment: Experiment, store: ExperimentStore, snapshot: Marts, *, user_id: str | None = None
) -> Tally:
    """What became of the tracks of an experiment's playlists, by contender.

    A play counts for the latest of the user's playlists that was made before it and holds its
    track, for four weeks; so does what was said of the track.

    Args:
        snapshot: Marts whose `feedback` is fresh.
        user_id: Only this user's playlists; None: everybody's.
    """
    everything = store.records(experiment.name)
    records = [one for one in everything if user_id in (None, one.user_id)]
    impressions: list[Impression] = []
    until: list[datetime] = []
    for user in sorted({record.user_id for record in records}):
        mine = [record for record in records if record.user_id == user]
        plays = _plays(snapshot, user)
        until += [at for at in (pc.max(plays[c.PLAYED_AT]).as_py(),) if at is not None]
        impressions += _impressions(mine, plays, _words(snapshot, user))
    names: dict[Team, str] = {"a": experiment.a, "b": experiment.b}
    if experiment.a == experiment.b:
        names = {"a": f"{experiment.a} (A)", "b": f"{experiment.b} (B)"}
    users = tuple(sorted({record.user_id for record in records}))
    return Tally(experiment, users, preference(impressions, names), max(until, default=None))


def _plays(snapshot: Marts, user: str) -> pa.Table:
    plays = snapshot.read("plays", columns=list(_PLAY_COLUMNS), filters=pc.field(c.USER_ID) == user)
    return without_not_me(plays, snapshot.read("feedback"), user_id=user)


def _words(snapshot: Marts, user: str) -> dict[str, tuple[str, datetime]]:
    """Track -> what stands said of it, and since when."""
    log = snapshot.read("feedback")
    stands = standing(log, user).to_pylist() if said_by(log, user).num_rows else []
    return {
        row[c.TRACK_ID]: (row[c.VERB], row[c.SAID_AT])
        for row in stands
        if row[c.TRACK_ID] is not None
    }


def _impressions(
    records: Sequence[Record], plays: pa.Table, words: Mapping[str, tuple[str, datetime]]
) -> list[Impression]:
    """Every track of a user's playlists with what was done with it."""
    tracks = {place.track_id for record in records for place in record.places}
    near = plays.filter(pc.is_in(plays[c.TRACK_ID], pa.array(sorted(tracks), pa.string())))
    done: dict[str, list[dict[str, Any]]] = {}
    for play in near.to_pylist():
        done.setdefault(play[c.TRACK_ID], []).append(play)
    found = []
    for record in records:
        for place in record.places:
            ends = _ends(record, place.track_id, records)
            mine = [
                play
                for play in done.get(place.track_id, ())
                if record.made_at < play[c.PLAYED_AT] <= ends
            ]
            verb, said_at = words.get(place.track_id, ("", record.made_at))
            said = verb if record.made_at < said_at <= ends else ""
            found.append(_impression(record, place, mine, said))
    return found


def _ends(record: Record, track_id: str, records: Sequence[Record]) -> datetime:
    """Until when plays of the track count for this playlist."""
    later = [
        other.made_at
        for other in records
        if other.made_at > record.made_at and any(p.track_id == track_id for p in other.places)
    ]
    return min([record.made_at + COUNTS_FOR, *later])


def _impression(
    record: Record, place: Place, plays: Sequence[Mapping[str, Any]], said: str
) -> Impression:
    return Impression(
        playlist=f"{record.user_id}\x1f{record.number}",
        round=place.round,
        team="a" if place.team == "a" else "b",
        track_id=place.track_id,
        plays=sum(bool(play[c.COUNTED]) for play in plays),
        finishes=sum(bool(play[c.FINISHED] and play[c.COUNTED]) for play in plays),
        skips=sum(bool(play[c.SKIPPED]) for play in plays),
        likes=int(said == LIKE),
        dislikes=int(said in (LESS, HIDE)),
    )
