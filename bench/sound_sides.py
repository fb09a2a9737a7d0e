"""One side of the search for tracks that sound alike, in a process of its own.

`python -m bench.sound_sides <side> <folder>` prints its seconds of preparation as JSON; then it
reads blocks of row numbers from standard input, a JSON list a line, and answers each with its
seconds and the best 100 rows of every question. What is not Segue's side needs nothing but
NumPy, SciPy and scikit-learn, so that it runs in an environment of others.
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

K = 100
Answer = Callable[[list[int]], Any]
"""Takes row numbers; gives for each the rows of the tracks most like it, itself left out."""


def segue(folder: Path) -> Answer:
    """`Content.similar` as it is: audio, genres and era, names, reasons, ids in and out."""
    import pyarrow as pa
    import scipy.sparse as sp

    from bench.world import bare_data
    from segue.features.catalogue import Catalogue
    from segue.recommenders.content import Content

    with pa.memory_map(str(folder / "catalogue.arrow")) as file:
        tracks = Catalogue(pa.ipc.open_file(file).read_all())
    model = Content().fit(
        replace(bare_data(sp.csr_matrix((0, 0), dtype=np.float32)), catalogue=tracks)
    )

    def answer(rows: list[int]) -> Any:
        found = [model.similar([tracks.track_ids[row]], K) for row in rows]
        return [tracks.rows(one.track_ids).tolist() for one in found]

    return answer


def _scikit_learn(points: Any) -> Any:
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=K + 1, metric="cosine", algorithm="brute").fit(points)


def _others(found: Any, rows: list[int]) -> Any:
    return [
        [other for other in near if other != row][:K] for near, row in zip(found, rows, strict=True)
    ]


def _one_by_one(points: Any) -> Answer:
    model = _scikit_learn(points)

    def answer(rows: list[int]) -> Any:
        asked = [points[[row]] for row in rows]
        found = [model.kneighbors(one, return_distance=False)[0].tolist() for one in asked]
        return _others(found, rows)

    return answer


def _audio(folder: Path) -> Any:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit_transform(np.load(folder / "audio.npy"))


def _vectors(folder: Path) -> Any:
    import scipy.sparse as sp

    return sp.csr_matrix(sp.load_npz(folder / "vectors.npz"))


def scikit_audio(folder: Path) -> Answer:
    """Audio features alone, standardised; one question at a time."""
    return _one_by_one(_audio(folder))


def scikit_audio_block(folder: Path) -> Answer:
    """The same, all questions of a block in one call."""
    points = _audio(folder)
    model = _scikit_learn(points)

    def answer(rows: list[int]) -> Any:
        return _others(model.kneighbors(points[rows], return_distance=False).tolist(), rows)

    return answer


def scikit_vectors(folder: Path) -> Answer:
    """Segue's own vectors (audio, genres, era) as one sparse matrix; one question at a time."""
    return _one_by_one(_vectors(folder))


SIDES: dict[str, Callable[[Path], Answer]] = {
    side.__name__: side for side in (segue, scikit_audio, scikit_audio_block, scikit_vectors)
}


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Prepare the named side, then answer until the input ends."""
    began = time.perf_counter(), time.process_time()
    answer = SIDES[sys.argv[1]](Path(sys.argv[2]))
    ended = time.perf_counter(), time.process_time()
    ready = {"seconds": ended[0] - began[0], "cpu": ended[1] - began[1], "peak_mib": _peak_mib()}
    print(json.dumps(ready), flush=True)
    for line in sys.stdin:
        rows = json.loads(line)
        began = time.perf_counter(), time.process_time()
        found = answer(rows)
        ended = time.perf_counter(), time.process_time()
        facts = {
            "seconds": ended[0] - began[0],
            "cpu": ended[1] - began[1],
            "peak_mib": _peak_mib(),
            "found": found,
        }
        print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
