"""One side of a comparison, run in a process of its own: learn from plays, answer for everybody.

Needs nothing but NumPy, SciPy and the library that is named, so that it runs in environments of
others: `python -m bench.rivals <side> <folder>` reads `<folder>/train.npz`, writes the best 100
of as many users as `<folder>/answered` says to `<folder>/<side>.npy`, and prints its seconds and
peak memory as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

K = 100
Plays = Any
Learned = Callable[[int], Any]
"""Takes how many users to answer; gives their tracks, shape (n_users, K)."""


def _ours(model: Any, plays: Plays) -> Learned:
    """One of Segue's recommenders, on tracks of which nothing but plays is known."""
    from bench.world import bare_data

    data = bare_data(plays)
    model.fit(data)
    whole = data.interactions

    def answer(count: int) -> Any:
        some = replace(whole, matrix=whole.matrix[:count], user_ids=whole.user_ids[:count])
        return model.top(some, K).tracks

    return answer


def als(plays: Plays) -> Learned:
    """Segue's ALS as it is."""
    from segue.recommenders.als import Als

    return _ours(Als(), plays)


def item_knn(plays: Plays) -> Learned:
    """Segue's item-kNN by cosine."""
    from segue.recommenders.item_knn import ItemKnn

    return _ours(ItemKnn(kind="cosine"), plays)


def item_knn_tfidf(plays: Plays) -> Learned:
    """Segue's item-kNN by TF-IDF."""
    from segue.recommenders.item_knn import ItemKnn

    return _ours(ItemKnn(kind="tfidf"), plays)


def item_knn_bm25(plays: Plays) -> Learned:
    """Segue's item-kNN by BM25, its k1, b and plays as implicit's."""
    from segue.recommenders.item_knn import ItemKnn

    return _ours(ItemKnn(kind="bm25", weight="plays", k1=1.2, b=0.75), plays)


def _implicit(model: Any, plays: Plays) -> Learned:
    model.fit(plays, show_progress=False)
    return lambda count: model.recommend(np.arange(count), plays[:count], N=K)[0]


def implicit_als(plays: Plays) -> Learned:
    """Implicit's ALS with its defaults (100 factors, 15 rounds)."""
    from implicit.als import AlternatingLeastSquares

    return _implicit(AlternatingLeastSquares(random_state=17), plays)


def implicit_als_alike(plays: Plays) -> Learned:
    """Implicit's ALS with the settings of Segue's."""
    from implicit.als import AlternatingLeastSquares

    trust = plays.copy()
    trust.data = (1 + 2 * np.log1p(trust.data)).astype(np.float32)
    settings = {"factors": 64, "regularization": 5.0, "iterations": 12, "random_state": 17}
    return _implicit(AlternatingLeastSquares(**settings), trust)


def implicit_cosine(plays: Plays) -> Learned:
    """Implicit's item-kNN by cosine, as many neighbours as ours."""
    from implicit.nearest_neighbours import CosineRecommender

    return _implicit(CosineRecommender(K=100), plays.astype(np.float64))


def implicit_tfidf(plays: Plays) -> Learned:
    """Implicit's item-kNN by TF-IDF, as many neighbours as ours."""
    from implicit.nearest_neighbours import TFIDFRecommender

    return _implicit(TFIDFRecommender(K=100), plays.astype(np.float64))


def implicit_bm25(plays: Plays) -> Learned:
    """Implicit's item-kNN by BM25, as many neighbours as ours."""
    from implicit.nearest_neighbours import BM25Recommender

    return _implicit(BM25Recommender(K=100), plays.astype(np.float64))


def rectools_als(plays: Plays) -> Learned:
    """RecTools around implicit's ALS, with the settings of Segue's."""
    import pandas as pd
    from implicit.als import AlternatingLeastSquares
    from rectools import Columns
    from rectools.dataset import Dataset
    from rectools.models import ImplicitALSWrapperModel

    pairs = plays.tocoo()
    table = pd.DataFrame(
        {
            Columns.User: pairs.row,
            Columns.Item: pairs.col,
            Columns.Weight: 1 + 2 * np.log1p(pairs.data),
            Columns.Datetime: pd.Timestamp("2024-06-01"),
        }
    )
    dataset = Dataset.construct(table)
    settings = {"factors": 64, "regularization": 5.0, "iterations": 12, "random_state": 17}
    model = ImplicitALSWrapperModel(AlternatingLeastSquares(**settings)).fit(dataset)

    def answer(count: int) -> Any:
        everybody = np.unique(pairs.row[pairs.row < count])
        found = model.recommend(everybody, dataset, k=K, filter_viewed=True)
        tracks = np.full((count, K), -1, np.int32)
        tracks[found[Columns.User], found[Columns.Rank] - 1] = found[Columns.Item]
        return tracks

    return answer


def lenskit_als(plays: Plays) -> Learned:
    """LensKit's implicit ALS, 64 factors and 12 rounds."""
    import pandas as pd
    from lenskit import topn_pipeline
    from lenskit.als import ImplicitMFScorer
    from lenskit.batch import recommend
    from lenskit.data import from_interactions_df

    pairs = plays.tocoo()
    table = pd.DataFrame({"user_id": pairs.row, "item_id": pairs.col})
    dataset = from_interactions_df(table)
    pipeline = topn_pipeline(ImplicitMFScorer(features=64, epochs=12), n=K)
    pipeline.train(dataset)

    def answer(count: int) -> Any:
        tracks = np.full((count, K), -1, np.int32)
        everybody = np.unique(pairs.row[pairs.row < count])
        for key, items in recommend(pipeline, everybody, n=K):
            found = items.ids()
            tracks[key.user_id, : len(found)] = found
        return tracks

    return answer


SIDES: dict[str, Callable[[Plays], Learned]] = {
    side.__name__: side
    for side in (
        als,
        item_knn,
        item_knn_tfidf,
        item_knn_bm25,
        implicit_als,
        implicit_als_alike,
        implicit_cosine,
        implicit_tfidf,
        implicit_bm25,
        rectools_als,
        lenskit_als,
    )
}


def main() -> None:
    """Run the named side."""
    side, folder = sys.argv[1], Path(sys.argv[2])
    plays = sp.csr_matrix(sp.load_npz(folder / "train.npz"))
    began = time.perf_counter(), time.process_time()
    answer = SIDES[side](plays)
    trained = time.perf_counter(), time.process_time()
    count = int((folder / "answered").read_text(encoding="utf-8"))
    tracks = np.asarray(answer(count), dtype=np.int32)
    ended = time.perf_counter(), time.process_time()
    np.save(folder / f"{side}.npy", tracks)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    # ru_maxrss would count what the parent held when it started this process
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    facts = {
        "train": trained[0] - began[0],
        "train_cpu": trained[1] - began[1],
        "top": ended[0] - trained[0],
        "top_cpu": ended[1] - trained[1],
        "peak_mib": peak,
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
