"""Compare recommenders on each user's own last weeks, held out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import ConfigError, NotReadyError, UnknownUserError
from segue.evaluation.beyond_accuracy import Yardsticks
from segue.evaluation.leaderboard import (
    Answers,
    Leaderboard,
    Looks,
    Player,
    answers,
    leaderboard,
)
from segue.evaluation.simple_rules import SIMPLE_RULES, Rule, rule_player
from segue.evaluation.splits import Case, split
from segue.features.catalogue import Catalogue
from segue.features.from_marts import training_data
from segue.flows.known_tracks import known_tracks, told_later, without_the_unheard
from segue.flows.listener import Marts
from segue.flows.make_models import ModelSettings
from segue.flows.personalize.seen import Seen
from segue.flows.playlist_player import playlist_player
from segue.flows.train import Settings, read_training_marts, trained
from segue.flows.wiring import adapters
from segue.flows.wishes import Wishes
from segue.music import columns as c
from segue.progress import Progress
from segue.recommenders.base import Elsewhere, Recommender

__all__ = ["PLAYLIST", "Blend", "Snapshot", "evaluate", "rule_blends"]

_log = logging.getLogger(__name__)

Blend = Callable[[Mapping[str, Recommender], Catalogue], Player]
"""Makes one player of all fitted recommenders."""

_FAIR: Final = (
    "To compare it: `segue personalize import --until {cut}`, `segue personalize train`,"
    " `segue personalize campaign`"
)
PLAYLIST: Final = "playlist"
"""What the playlist itself is called beside the recommenders that it is made of."""


class Snapshot(Marts, Protocol):
    """A published snapshot, as far as evaluation reads it."""

    @property
    def name(self) -> str:
        """Its name."""


def evaluate(
    snapshot: Snapshot,
    *,
    users: Sequence[str] | None = None,
    ks: Sequence[int] = (10, 30),
    weeks: float = 4,
    seed: int,
    training_sources: Collection[str] | None = None,
    threads: int = 0,
    models: ModelSettings | None = None,
    wishes: Wishes | None = None,
    blends: Mapping[str, Blend] | None = None,
    left_out: Collection[str] = (),
    shown: Collection[str] | None = None,
    elsewhere: Mapping[str, Seen] | None = None,
    progress: Progress,
) -> Leaderboard:
    """Train on what came before a cut, ask once a week after it, and compare with what was played.

    Everything is learned anew for every cut: models and popularity. A track that only a
    later play made known is not there to be found; one that was played between the cut and the
    question can come again. A case's own history runs up to
    its moment, as it does when somebody asks for a playlist.

    Args:
        users: Whose last weeks; None means all users here.
        ks: Lengths of the lists.
        weeks: How many weeks to hold out; a short history holds out its last fifth.
        seed: Of training and bootstrap.
        training_sources: Sources of plays that may be learned from; None means all.
        models: Settings of single models that differ from the defaults.
        wishes: Options of the playlists that are compared as PLAYLIST, None means the usual ones;
            mix and size come from the question.
        blends: Name -> what to compare besides.
        left_out: Installed recommenders that are not compared.
        shown: Only these are asked, though all are trained; None means all.
        elsewhere: Recommender that is not trained here -> what it has seen. One that has seen what
            is held out, or may have, is left out, and the board says so.

    Raises:
        ConfigError: One that is to be left out is not installed, or one to be shown is not there
            or must not be compared.
        UnknownUserError: One of the users has no plays here.
        NotReadyError: No history is long enough to hold anything out.
    """
    _refuse_unknown(
        shown or (), {*adapters("recommenders"), PLAYLIST, *(blends or {})} - {*left_out}
    )
    began = perf_counter()
    progress.start("Reading the snapshot")
    marts = read_training_marts(snapshot)
    asked = _users(marts["plays"], users)
    parts = split(marts["plays"], asked, weeks=weeks, feedback=marts["feedback"])
    progress.done(f"weeks: {len(parts.cases)}, users: {len(asked)}")
    if not parts.cases:
        raise NotReadyError(
            "no history is long enough to hold its last part out",
            cure="Import a longer history, then run `segue build`.",
        )
    seconds = {"read": perf_counter() - began}
    notes: dict[str, str] = {}
    found: list[Answers] = []
    n_tracks = 0
    settings = Settings(training_sources, seed, threads, left_out, models or {})
    for cut in parts.cuts:
        cases = [case for case in parts.cases if case.cut == cut]
        tables = {
            **marts,
            "tracks": known_tracks(marts, cut, heard_by=max(case.start for case in cases)),
        }
        data = training_data(**tables, training_sources=training_sources, as_of=cut)
        n_tracks = max(n_tracks, len(data.catalogue))
        learned, took = trained(tables, data, settings=settings, progress=progress)
        unfair = _unfair(learned, elsewhere or {}, cut)
        for name in sorted(unfair.keys() & {*(shown or ())}):
            raise ConfigError(
                unfair[name], field="models", cure=_FAIR.format(cut=cut.isoformat()) + "."
            )
        notes |= {
            name: f"{why}. {_FAIR.format(cut=cut.isoformat())}" for name, why in unfair.items()
        }
        for name, value in took.items():
            seconds[name] = seconds.get(name, 0.0) + value
        fitted: dict[str, Recommender] = {
            model.name: model for model in learned if model.name not in unfair
        }
        players: dict[str, Player] = {model.name: model.recommend for model in learned}
        players[PLAYLIST] = playlist_player(
            fitted, data.catalogue, snapshot=snapshot, wishes=wishes or Wishes()
        )
        for name, blend in (blends or {}).items():
            players[name] = blend(fitted, data.catalogue)
        players = {
            name: play
            for name, play in players.items()
            if name not in unfair and (shown is None or name in shown)
        }
        looks = Looks(data.catalogue, Yardsticks.of(data))
        asked_of = without_the_unheard(cases, tables)
        found += _asked(asked_of, players, k=max(ks), looks=looks, progress=progress)
        notes |= {
            model.name: f"{model.name}: {model.outcome()}"
            for model in learned
            if isinstance(model, Elsewhere) and model.name in players
        }
    seconds["total"] = perf_counter() - began
    rows = leaderboard(found, ks=ks, n_tracks=n_tracks, seed=seed)
    _log.info("compared %d models on %d cases", len(found[0].lists), len(found))
    used = tuple(sorted({case.user_id for case in parts.cases}))
    later = (*told_later(marts["neighbours"], parts.cuts[0]), *notes.values())
    return Leaderboard(snapshot.name, used, parts.left_out, weeks, rows, seconds, later)


def _unfair(
    models: Sequence[Recommender], elsewhere: Mapping[str, Seen], cut: datetime
) -> dict[str, str]:
    """Recommenders that are not trained here and know, or may know, what is held out -> why."""
    found = {}
    for model in models:
        if isinstance(model, Elsewhere):
            seen = elsewhere.get(model.name, Seen())
            if why := seen.unfair_after(cut):
                found[model.name] = f"{model.name} is not compared: {why}"
    return found


def _refuse_unknown(shown: Collection[str], there: Collection[str]) -> None:
    unknown = sorted({*shown} - {*there})
    if unknown:
        raise ConfigError(
            f"no model here is called “{unknown[0]}”",
            field="models",
            cure=f"Choose from: {', '.join(sorted(there))}; training.left_out names what is not.",
        )


def rule_blends() -> dict[str, Blend]:
    """Simple rules for what is played again, to be compared besides."""
    return {name: _as_blend(rule) for name, rule in SIMPLE_RULES.items()}


def _as_blend(rule: Rule) -> Blend:
    return lambda recommenders, catalogue: rule_player(rule, catalogue)


def _asked(
    cases: Sequence[Case],
    players: Mapping[str, Player],
    *,
    k: int,
    looks: Looks,
    progress: Progress,
) -> list[Answers]:
    progress.start("Asking every model", total=len(cases), unit="weeks")
    found = []
    for case in cases:
        found.append(answers(case, players, k=k, looks=looks))
        progress.advance()
    progress.done()
    return found


def _users(plays: pa.Table, users: Sequence[str] | None) -> list[str]:
    known: list[str] = sorted(pc.unique(plays[c.USER_ID]).drop_null().to_pylist())
    for user in users or ():
        if user not in known:
            raise UnknownUserError(user, known=tuple(known), cure="See `segue status`.")
    return list(dict.fromkeys(users)) if users else known
