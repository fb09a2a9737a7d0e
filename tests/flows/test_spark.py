"""Training on Spark, for real in this process's machine: the same models as without it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.service_home import make_snapshot, user_name
from bench.world import NOW

from segue.errors import ConfigError
from segue.flows.train import TrainReport, train
from segue.flows.wiring import adapters
from segue.music.query import Query
from segue.progress import Silent
from segue.recommenders.bundle import BundleStore
from segue.settings.listening import Engine, SparkSettings
from segue.warehouse.snapshots import SnapshotStore
from tests.spark_session import SPARK

pytest.importorskip("pyspark", reason="Spark is not installed")
pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java"),
    pytest.mark.xdist_group("spark"),
]

TRAINED = {"als", "sequential_rules", "popular", "most_played", "session_knn", "ease"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("spark")
    make_snapshot(folder, n_tracks=600, n_users=120, plays_a_user=60, known=25, users_a_file=40)
    return folder


def _train(home: Path, models: str, engine: Engine, spark: SparkSettings = SPARK) -> TrainReport:
    return train(
        snapshot=SnapshotStore(home / "snapshots").current(),
        bundles=BundleStore(home / models),
        training_sources=("simulated",),
        seed=17,
        threads=1,
        models={"als": {"n_factors": 8, "iterations": 4}},
        left_out=set(adapters("recommenders")) - TRAINED,
        engine=engine,
        spark=spark,
        progress=Silent(),
        now=NOW,
    )


def _arrays(home: Path, models: str, report: TrainReport) -> Mapping[str, Any]:
    folder = home / models / report.bundle
    return {path.relative_to(folder).as_posix(): np.load(path) for path in folder.rglob("*.npy")}


def test_spark_comes_to_the_same_models(home: Path) -> None:
    here, there = _train(home, "here", "local"), _train(home, "there", "spark")
    assert (there.users, there.sessions) == (here.users, here.sessions) == (120, here.sessions)
    ours, theirs = _arrays(home, "here", here), _arrays(home, "there", there)
    assert sorted(ours) == sorted(theirs)
    for name, array in ours.items():
        if array.dtype.kind == "f":  # what is summed in another order differs in the last digits
            assert np.allclose(array, theirs[name], rtol=1e-5, atol=1e-7, equal_nan=True), name
        else:
            assert np.array_equal(array, theirs[name]), name
    assert np.array_equal(ours["als/tracks_vectors.npy"], theirs["als/tracks_vectors.npy"])
    bundle = BundleStore(home / "there").current()
    known = bundle.catalogue.track_ids[0]
    answer = bundle.recommenders["als"].recommend(
        Query(user_name(3), NOW, seeds=(known,), mix="similar"), 5
    )
    assert answer.track_ids


def test_a_master_that_cannot_be_reached_is_an_error_in_words(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"Spark cannot be started at nonsense") as caught:
        _train(home, "nowhere", "spark", SparkSettings(master="nonsense"))
    assert caught.value.field == "spark.master"
