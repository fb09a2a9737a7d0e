"""The service that an engineer would write first: a model in a global, asked for every call.

implicit's ALS behind FastAPI, the plays of all users in a sparse matrix in memory. It answers with
track ids and scores: no reasons, no filters, no variety, and what a user does now is not seen
before the next training. `python -m bench.naive_service PORT HOME` serves it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import implicit.als
import numpy as np
import pyarrow.compute as pc
import scipy.sparse as sp
import uvicorn
from fastapi import FastAPI, HTTPException

from segue.music import columns as c
from segue.warehouse.snapshots import SnapshotStore

__all__ = ["make"]

_FACTORS = 64
_ROUNDS = 3


def make(home: Path) -> FastAPI:
    """Train on the plays of a home's snapshot, and serve."""
    snapshot = SnapshotStore(home / "snapshots").current()
    plays = snapshot.read("plays", columns=[c.USER_ID, c.TRACK_ID])
    users, tracks = (
        plays[name].dictionary_encode().combine_chunks() for name in plays.column_names
    )
    counts = sp.csr_matrix(
        (
            np.ones(plays.num_rows, np.float32),
            (np.asarray(users.indices), np.asarray(tracks.indices)),
        )
    )
    rows = {name: row for row, name in enumerate(users.dictionary.to_pylist())}
    named = snapshot.read("tracks", columns=[c.TRACK_ID, c.TITLE, c.ARTIST])
    there = pc.index_in(tracks.dictionary, value_set=named[c.TRACK_ID])
    about = named.take(there).to_pylist()
    model = implicit.als.AlternatingLeastSquares(
        factors=_FACTORS, iterations=_ROUNDS, random_state=17
    )
    model.fit(counts, show_progress=False)
    app = FastAPI()

    @app.get("/recommendations")
    def recommendations(user_id: str, k: int = 30) -> dict[str, Any]:
        row = rows.get(user_id)
        if row is None:
            raise HTTPException(404, "unknown user")
        ids, scores = model.recommend(row, counts[row], N=k)
        tracks = [
            {**about[track], "score": float(score)}
            for track, score in zip(ids, scores, strict=True)
        ]
        return {"user_id": user_id, "tracks": tracks}

    return app


if __name__ == "__main__":
    uvicorn.run(
        make(Path(sys.argv[2])),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=False,
        log_level="warning",
    )
