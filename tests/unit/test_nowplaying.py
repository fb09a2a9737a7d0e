"""On real sessions two stages do better than one."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from segue.evaluation.data_splits import SplitRule
from segue.evaluation.folds import SessionFold, session_fold
from segue.flows.read_data_set import read_data_set
from segue.progress import Silent
from segue.recommenders.base import NextTrack
from segue.recommenders.next_track import NextTrackRanker
from segue.recommenders.session_knn import SessionKnn
from tests.tiny import NOW


@pytest.fixture(scope="module")
def fold(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> SessionFold:
    whole = shared_data / "nowplaying" / "train_sessions.txt"
    if not whole.is_file():
        pytest.skip("there are no sessions here")
    some = tmp_path_factory.mktemp("sessions") / "some.txt"
    with whole.open(encoding="utf-8") as lines:
        some.write_text("".join(islice(lines, 12_000)), encoding="utf-8")
    data = read_data_set("nowplaying", some, now=NOW, progress=Silent())
    return session_fold(data, SplitRule("sessions", hold_out=0.03), seed=1, stage="test")


def _hits(model: NextTrack, fold: SessionFold) -> tuple[float, float]:
    """Hit rate and mean reciprocal rank of the first 20."""
    ranks = []
    for prefixes in fold.blocks():
        lists = model.next_tracks(prefixes.sessions, 20).tracks
        found = lists == prefixes.targets[:, None]
        ranks.append(np.where(found.any(axis=1), found.argmax(axis=1) + 1, np.inf))
    rank = np.concatenate(ranks)
    return float(np.isfinite(rank).mean()), float((1 / rank).mean())


def test_two_stages_find_more_than_neighbours(fold: SessionFold) -> None:
    model = NextTrackRanker(
        fewest_sessions=10_000, lessons=3_000, fewest_lessons=300, rounds=60, threads=2
    ).fit(fold.training)
    assert model.ranker_ is not None
    hits, mrr = _hits(model, fold)
    plain_hits, plain_mrr = _hits(SessionKnn().fit(fold.training), fold)
    assert hits > plain_hits
    assert mrr > 1.3 * plain_mrr
