"""Train every recommender on a snapshot and publish them as one bundle."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa

from segue import __version__
from segue.errors import NotReadyError
from segue.features.catalogue import Catalogue
from segue.features.from_marts import training_data
from segue.features.training_data import TrainingData
from segue.flows.kept_fits import KeptFits, kept_fits
from segue.flows.lessons import school
from segue.flows.make_models import ModelSettings, make_models
from segue.music import columns as c
from segue.progress import Progress, Silent
from segue.recommenders.als import Als
from segue.recommenders.base import (
    Composed,
    Frank,
    Learner,
    Recommender,
    Refits,
    StoredRecommender,
)
from segue.recommenders.bundle import BundleStore
from segue.recommenders.sequential_rules import SequentialRules
from segue.settings.listening import Engine, SparkSettings

if TYPE_CHECKING:
    from segue.flows.spark.engine import SparkEngine

__all__ = [
    "HasMarts",
    "Marts",
    "Settings",
    "TrainReport",
    "fit_all",
    "read_training_marts",
    "train",
    "trained",
]

_log = logging.getLogger(__name__)

_PLAY_COLUMNS: Final = (
    c.USER_ID,
    c.TRACK_ID,
    c.PLAYED_AT,
    c.SOURCE,
    c.SESSION_ID,
    c.SKIPPED,
    c.FINISHED,
    c.COUNTED,
    c.COUNTRY,
)
_BESIDE_PLAYS: Final = ("tracks", "crowd_counts", "crowd_sessions", "feedback", "neighbours")


class HasMarts(Protocol):
    """A published snapshot, or something like it."""

    def read(self, mart: str, *, columns: Sequence[str] | None = None) -> pa.Table:
        """A mart in the schema of `segue.music.marts`."""


class Marts(HasMarts, Protocol):
    """A published snapshot, as far as training reads it."""

    @property
    def name(self) -> str:
        """Its name."""

    def tables(self, mart: str, *, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The same in parts; no user is in two of them."""

    def files(self, mart: str) -> Sequence[Path]:
        """Its Parquet files."""


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What was learned, from how much, and how long it took.

    Args:
        bundle: Name of the published bundle.
        snapshot: Name of the snapshot it was learned from.
        tracks: Tracks that may be recommended.
        users: Users here with plays from a training source.
        listeners: Crowd listeners, on tracks or on artists.
        sessions: Sessions of users and crowds.
        seconds: Stage or recommender -> seconds.
        sizes: Recommender -> bytes in the bundle.
        skipped: Recommender -> why it has nothing to say.
        learned: Recommender -> what it learned from past weeks.
    """

    bundle: str
    snapshot: str
    tracks: int
    users: int
    listeners: int
    sessions: int
    seconds: Mapping[str, float]
    sizes: Mapping[str, int]
    skipped: Mapping[str, str]
    learned: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "bundle": self.bundle,
            "snapshot": self.snapshot,
            "tracks": self.tracks,
            "users": self.users,
            "listeners": self.listeners,
            "sessions": self.sessions,
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "sizes": dict(self.sizes),
            "skipped": dict(self.skipped),
            "learned": dict(self.learned),
        }


def train(
    *,
    snapshot: Marts,
    bundles: BundleStore,
    training_sources: Collection[str],
    seed: int,
    threads: int,
    models: ModelSettings | None = None,
    progress: Progress,
    now: datetime,
    left_out: Collection[str] = (),
    refit: bool = False,
    engine: Engine = "local",
    spark: SparkSettings | None = None,
) -> TrainReport:
    """Learn from the marts of a snapshot, publish the bundle, and say what came of it.

    Args:
        training_sources: Sources of plays that may be learned from.
        seed: Of everything random.
        threads: 0 means all cores; the result does not depend on it.
        models: Settings of single models that differ from the defaults.
        now: Plays after it are not learned from; aware UTC.
        left_out: Installed recommenders that are not trained.
        refit: Begin from the published models where a model can.
        engine: Who reads plays, solves factors and counts sessions; what is learned is the same.
        spark: Where Spark is, and how it is set.

    Raises:
        ConfigError: One that is to be left out is not installed.
        StorageError: The bundle cannot be written; the old one stays current.
        BusyError: Another training is publishing.
        WarehouseError: The snapshot cannot be read.
    """
    given = {
        "segue": __version__,
        "snapshot": snapshot.name,
        "sources": sorted(training_sources),
        "seed": seed,
        "models": {name: dict(values) for name, values in (models or {}).items()},
        "left_out": sorted(left_out),
    }
    settings = Settings(training_sources, seed, threads, left_out, models or {})
    with ExitStack() as stack:
        if refit:  # begins from what is published, which may change while a training rests
            settings = replace(settings, previous=_published(bundles))
        else:
            kept = stack.enter_context(kept_fits(bundles.folder, given, now=now))
            settings = replace(settings, kept=kept)
        if engine == "spark":
            settings = replace(settings, many=stack.enter_context(_spark(snapshot, spark)))
        return _trained(snapshot, bundles, settings, progress, now)


def _spark(snapshot: Marts, told: SparkSettings | None) -> AbstractContextManager[SparkEngine]:
    from segue.flows.spark.engine import spark_engine

    told = told or SparkSettings()
    files = snapshot.files("plays")
    return spark_engine(files, _PLAY_COLUMNS, master=told.master, config=told.config)


def _trained(
    snapshot: Marts, bundles: BundleStore, settings: Settings, progress: Progress, now: datetime
) -> TrainReport:
    seconds: dict[str, float] = {}
    began = perf_counter()
    progress.start("Reading the snapshot")
    marts: dict[str, Any] = {**_read(snapshot, _BESIDE_PLAYS), "plays": _Plays(snapshot)}
    if settings.many is not None:
        marts["plays"] = settings.many.read
    as_of = settings.kept.as_of if settings.kept else now
    data = training_data(
        **marts,
        training_sources=settings.training_sources,
        as_of=as_of,
        keep_in=settings.kept.folder / "arrays" if settings.kept else None,
    )
    seconds["read"] = perf_counter() - began
    again = f", going on with the training of {as_of:%Y-%m-%d %H:%M} UTC" if as_of != now else ""
    progress.done(f"{len(data.catalogue):,} tracks, {data.interactions.n_users:,} listeners{again}")
    fitted, took = trained(marts, data, settings=settings, progress=progress)
    seconds |= took
    began = perf_counter()
    progress.start("Saving the models")
    bundle = bundles.publish(fitted, data.catalogue, snapshot=snapshot.name, trained_at=now)
    seconds["save"] = perf_counter() - began
    progress.done(bundle.name)
    report = TrainReport(
        bundle=bundle.name,
        snapshot=snapshot.name,
        tracks=len(data.catalogue),
        users=len(data.local_users),
        listeners=_listeners(data),
        sessions=len(data.sessions),
        seconds=seconds,
        sizes=bundles.sizes(bundle.name),
        skipped=_skipped(fitted),
        learned=_learned(fitted),
    )
    _log.info("trained %d recommenders in %.1f s", len(fitted), sum(seconds.values()))
    return report


def _published(bundles: BundleStore) -> Mapping[str, Recommender]:
    """What was trained last, if anything is whole."""
    try:
        return bundles.current().recommenders
    except NotReadyError:
        return {}


def read_training_marts(snapshot: HasMarts) -> dict[str, pa.Table]:
    """The tables that `training_data` takes, by its names for them."""
    plays = snapshot.read("plays", columns=_PLAY_COLUMNS)
    return {**_read(snapshot, _BESIDE_PLAYS), "plays": plays}


def _read(snapshot: HasMarts, marts: Sequence[str]) -> dict[str, pa.Table]:
    return {mart: snapshot.read(mart) for mart in marts}


@dataclass(frozen=True)
class _Plays:
    """The `plays` mart in parts, as often as it is gone through."""

    snapshot: Marts

    def __iter__(self) -> Iterator[pa.Table]:
        return self.snapshot.tables("plays", columns=_PLAY_COLUMNS)


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train.

    Args:
        training_sources: Sources of plays that may be learned from; None means all.
        seed: Of everything random.
        threads: 0 means all cores; the result does not depend on it.
        left_out: Installed recommenders that are not trained.
        models: Settings of single models that differ from the defaults.
        previous: Earlier fits by name, which those of their names begin from where they can.
        kept: Where an interrupted training goes on; None: it begins anew.
        many: Spark, if it does the heavy work.
    """

    training_sources: Collection[str] | None
    seed: int
    threads: int = 0
    left_out: Collection[str] = ()
    models: ModelSettings = field(default_factory=dict)
    previous: Mapping[str, Recommender] = field(default_factory=dict)
    kept: KeptFits | None = None
    many: SparkEngine | None = None


def trained(
    marts: Mapping[str, Any], data: TrainingData, *, settings: Settings, progress: Progress
) -> tuple[list[StoredRecommender], dict[str, float]]:
    """Every installed recommender, fitted on `data`; returns them and name -> seconds.

    What learns from past weeks is taught first, by recommenders that know nothing of those weeks;
    then all are fitted anew on everything.

    Args:
        marts: What `read_training_marts` gives; `plays` may come in parts.
        data: The training data made of it.
    """
    models = make_models(
        seed=settings.seed,
        threads=settings.threads,
        settings=settings.models,
        left_out=settings.left_out,
    )
    if settings.many is not None:
        for model in models:
            if isinstance(model, Als):
                model.solver = settings.many
            elif isinstance(model, SequentialRules):
                model.counting = settings.many.count
    seconds = _taught(models, marts, data, settings, progress)
    fits = fit_all(models, data, progress, settings.previous, kept=settings.kept)
    for name, value in fits.items():
        seconds[name] = seconds.get(name, 0.0) + value
    return models, seconds


def fit_all(
    models: list[StoredRecommender],
    data: TrainingData,
    progress: Progress,
    previous: Mapping[str, Recommender] | None = None,
    *,
    kept: KeptFits | None = None,
) -> dict[str, float]:
    """Fit each, and give those that are made of others the others; returns name -> seconds.

    Args:
        models: Unfitted. One that an interrupted training had fitted takes the place of its own.
        previous: Earlier fits by name, to begin from where a model can.
        kept: What an interrupted training left.
    """
    seconds = {}
    progress.start("Training", total=len(models), unit="models")
    for at, model in enumerate(models):
        began = perf_counter()
        found = kept.find(model.name, data.catalogue) if kept else None
        if isinstance(found, type(model)):
            models[at] = found
            progress.advance()
        else:
            _fit(model, data, (previous or {}).get(model.name), kept, progress)
        seconds[model.name] = perf_counter() - began
        if kept is not None and models[at] is model:
            kept.keep(model, seconds[model.name])
    for model in models:
        if isinstance(model, Composed):
            model.with_parts({part.name: part for part in models})
    progress.done(f"{len(models)} models in {sum(seconds.values()):.1f} s")
    return seconds


def _fit(
    model: StoredRecommender,
    data: TrainingData,
    earlier: Recommender | None,
    kept: KeptFits | None,
    progress: Progress,
) -> None:
    """Fit one, telling how far it is where it says."""
    told = 0.0

    def tell(share: float) -> None:
        nonlocal told
        progress.advance(share - told)
        told = share

    if kept is not None:
        kept.place_for(model, tell)
    if isinstance(model, Refits) and isinstance(earlier, type(model)):
        model.refit(earlier, data)
    else:
        model.fit(data)
    tell(1.0)


def _taught(
    models: list[StoredRecommender],
    marts: Mapping[str, Any],
    data: TrainingData,
    settings: Settings,
    progress: Progress,
) -> dict[str, float]:
    """Teach those of the models that learn from past weeks; returns name -> seconds."""
    learners = [model.name for model in models if isinstance(model, Learner)]
    kept = settings.kept.within("taught") if settings.kept else None
    if not learners or _already_taught(models, learners, data.catalogue, kept):
        return {}
    past = school(
        data.histories, data.catalogue, crowd_sessions=marts["crowd_sessions"], as_of=data.as_of
    )
    if not past.lessons:
        return {}
    began = perf_counter()
    progress.start("Learning from past weeks", total=len(learners), unit="models")
    then = training_data(
        **marts,
        training_sources=settings.training_sources,
        as_of=past.cut,
        keep_in=settings.kept.folder / "past" / "arrays" if settings.kept else None,
    )
    fit_all(models, then, Silent(), kept=settings.kept and settings.kept.within("past"))
    seconds = {"past weeks": perf_counter() - began}
    for model in models:
        if isinstance(model, Learner):
            began = perf_counter()
            model.learn(past.lessons)
            if kept is not None:
                kept.keep(model, kept.worth_s)
            seconds[model.name] = perf_counter() - began
            progress.advance()
    progress.done(f"{len(past.lessons)} weeks")
    return seconds


def _already_taught(
    models: list[StoredRecommender],
    learners: Collection[str],
    catalogue: Catalogue,
    kept: KeptFits | None,
) -> bool:
    """Put those that an interrupted training had taught in their places, if it had all of them."""
    found = {name: kept.find(name, catalogue) if kept else None for name in learners}
    if not all(found.values()):
        return False
    for at, model in enumerate(models):
        taught = found.get(model.name)
        if isinstance(taught, type(model)):
            models[at] = taught
    return True


def _learned(models: Sequence[StoredRecommender]) -> dict[str, str]:
    learners = [model for model in models if isinstance(model, Learner)]
    return {model.name: account for model in learners if (account := model.account())}


def _skipped(models: Sequence[StoredRecommender]) -> dict[str, str]:
    frank = [model for model in models if isinstance(model, Frank)]
    return {model.name: why for model in frank if (why := model.silent_because())}


def _listeners(data: TrainingData) -> int:
    """Distinct crowd listeners, whether their tracks or only their artists are known."""
    of_tracks = set(data.interactions.user_ids) - set(data.local_users)
    return len(of_tracks | set(data.artist_interactions.user_ids))
