"""Popular tracks for many listeners at once are those that each would be given."""

from __future__ import annotations

import numpy as np
import pytest

from segue.features.listens import UNDATED, training_part
from segue.music.query import Mix, Query
from segue.recommenders.popular import Popular
from tests.data_sets import listens
from tests.tiny import history


@pytest.mark.parametrize("known", [False, True])
def test_many_at_once_are_answered_as_each_alone(known: bool) -> None:
    rng = np.random.default_rng(6)
    rows = [
        (f"u{i}", f"t{t:02}", float("nan"), float(rng.integers(1, 4)))
        for i in range(12)
        for t in rng.choice(30, 8, replace=False)
    ]
    genres = {f"t{t:02}": [("rock", "jazz", "folk")[t % 3]] for t in range(0, 30, 2)}
    data = listens(rows, genres=genres)
    training = training_part(data, np.ones(len(data), bool))
    model = Popular().fit(training)
    found = model.top(training.interactions, 6, known=known)
    for row in range(training.interactions.n_users):
        counts = training.interactions.matrix[[row]].toarray()[0]
        played = [
            (str(training.catalogue.track_ids[track]), UNDATED)
            for track in np.flatnonzero(counts)
            for _ in range(int(counts[track]))
        ]
        mix: Mix = "daily" if known else "discover"
        query = Query(None, UNDATED, mix=mix, history=history(played))
        expected, scores = model.propose(query, 6)
        assert found.tracks[row].tolist() == expected.tolist()
        assert found.scores[row] == pytest.approx(scores, rel=1e-5)
