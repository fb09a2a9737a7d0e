"""From a published snapshot to a bundle that answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from segue.errors import ConfigError, StorageError
from segue.flows.train import TrainReport, train
from segue.music.query import Query
from segue.progress import Silent
from segue.recommenders.bundle import BundleStore
from segue.warehouse.snapshots import Snapshot
from tests.marts_folder import published
from tests.tiny import NOW, crowd, crowd_sessions, days_ago, history, plays, tracks

IDS = [f"t{i:02}" for i in range(20)]


def _marts() -> dict[str, pa.Table]:
    rows = [(f"l{i:02}", t, f"a-{t}", 1.0) for i in range(30) for t in IDS[i % 4 :: 2]]
    heard = [("me", t, days_ago(100 + 3 * n + d)) for n, t in enumerate(IDS[:6]) for d in range(4)]
    return {
        "tracks": tracks({"track_id": t, "genres": ["rock"], "energy": 0.5} for t in IDS),
        "plays": plays(heard),
        "crowd_counts": crowd(rows),
        "crowd_sessions": crowd_sessions([IDS[i : i + 5] for i in range(15)]),
    }


def _train(snapshot: Snapshot, folder: Path, **changes: Any) -> TrainReport:
    given: dict[str, Any] = {
        "snapshot": snapshot,
        "bundles": BundleStore(folder),
        "training_sources": ("spotify_export",),
        "seed": 17,
        "threads": 1,
        "progress": Silent(),
        "now": NOW,
    }
    return train(**{**given, **changes})


def test_every_recommender_is_trained_and_answers(tmp_path: Path) -> None:
    snapshot = published(tmp_path / "snapshots", **_marts())
    report = _train(snapshot, tmp_path / "models")
    bundle = BundleStore(tmp_path / "models").current()
    assert (bundle.name, bundle.snapshot) == (report.bundle, snapshot.name)
    assert (report.tracks, report.users, report.listeners) == (20, 1, 30)
    assert {"als", "content", "session_knn", "popular"} <= set(report.seconds)
    assert set(report.sizes) == {*bundle.recommenders, "tracks"}
    # which want 20,000 sessions, or answers of open services
    assert set(report.skipped) == {"neighbours", "next_track", "track2vec"}
    heard = history([(t, days_ago(100 + d)) for t in IDS[:6] for d in range(4)])
    for name, model in bundle.recommenders.items():
        if name in report.skipped:
            continue
        mix = {"rediscover": "rediscover", "most_played": "daily", "repeats": "daily"}.get(
            name, "discover"
        )
        assert len(model.recommend(Query("me", NOW, mix=mix, history=heard), 5)), name  # type: ignore[arg-type]  # a mix
    json.dumps(report.as_dict())


def test_what_is_left_out_is_not_trained(tmp_path: Path) -> None:
    snapshot = published(tmp_path / "s", **_marts())
    report = _train(snapshot, tmp_path / "models", left_out=("als", "bpr"))
    assert not {"als", "bpr"} & set(report.sizes)
    assert {"ease", "item_knn"} <= set(report.sizes)
    with pytest.raises(ConfigError, match="“jazz”"):
        _train(snapshot, tmp_path / "models", left_out=("jazz",))


def test_a_refit_begins_from_the_published_models(tmp_path: Path) -> None:
    snapshot = published(tmp_path / "s", **_marts())
    first = _train(snapshot, tmp_path / "models", refit=True)  # of nothing: trained anew
    assert first.bundle == _train(snapshot, tmp_path / "other").bundle
    again = _train(snapshot, tmp_path / "models", refit=True)
    assert again.bundle != first.bundle
    heard = history([(t, days_ago(100 + d)) for t in IDS[:6] for d in range(4)])
    model = BundleStore(tmp_path / "models").current().recommenders["als"]
    assert len(model.recommend(Query("me", NOW, mix="discover", history=heard), 5)) == 5


def test_a_history_alone_is_enough_for_what_it_can_tell(tmp_path: Path) -> None:
    table = tracks({"track_id": t, "in_catalogue": False} for t in IDS)
    snapshot = published(tmp_path / "s", tracks=table, plays=_marts()["plays"])
    report = _train(snapshot, tmp_path / "models")
    of_crowds = {"als", "bpr", "crowd_blend", "ease", "item_knn", "rp3beta"}
    others = {"content", "neighbours", "next_track", "popular", "track2vec"}
    assert set(report.skipped) == of_crowds | others
    bundle = BundleStore(tmp_path / "models").current()
    heard = history([(t, days_ago(100 + d)) for t in IDS[:6] for d in range(4)])
    query = Query("me", NOW, mix="rediscover", history=heard)
    assert len(bundle.recommenders["rediscover"].recommend(query, 10)) == 6


def test_an_empty_home_trains_without_error(tmp_path: Path) -> None:
    report = _train(published(tmp_path / "s"), tmp_path / "models")
    assert report.tracks == 0
    assert BundleStore(tmp_path / "models").current().name == report.bundle


def test_the_same_snapshot_gives_the_same_bundle(tmp_path: Path) -> None:
    snapshot = published(tmp_path / "s", **_marts())
    first = _train(snapshot, tmp_path / "a")
    assert _train(snapshot, tmp_path / "b", threads=2).bundle == first.bundle
    assert _train(snapshot, tmp_path / "c", seed=18).bundle != first.bundle


def test_sources_that_may_not_be_learned_from_are_not(tmp_path: Path) -> None:
    snapshot = published(tmp_path / "s", **_marts())
    report = _train(snapshot, tmp_path / "models", training_sources=("lastfm",))
    assert report.users == 0


def test_when_it_cannot_be_saved_the_old_bundle_stays(tmp_path: Path) -> None:
    snapshot = published(tmp_path / "s", **_marts())
    (tmp_path / "models").write_text("a file in the way")
    with pytest.raises(StorageError, match="models"):
        _train(snapshot, tmp_path / "models")
    assert (tmp_path / "models").read_text() == "a file in the way"


def test_a_bundle_answers_without_the_heavy_libraries(tmp_path: Path) -> None:
    _train(published(tmp_path / "s", **_marts()), tmp_path / "models")
    ask = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from segue.music.query import Query
from segue.recommenders.bundle import BundleStore
bundle = BundleStore(Path(sys.argv[1])).current()
for model in bundle.recommenders.values():
    model.recommend(Query(None, datetime(2024, 6, 1, tzinfo=UTC), seeds=("t00",)), 5)
print(sorted(bundle.recommenders))
print([name for name in ("scipy", "implicit", "duckdb", "dbt") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", ask, str(tmp_path / "models")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[1] == "[]"
