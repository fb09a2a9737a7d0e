"""Tracks as vectors: near each other when sessions that hold the one hold the other's company."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.training_data import Sessions
from segue.recommenders.quiet_threads import quiet_threads

__all__ = ["track_vectors"]

_FACTORS: Final = 64
_REGULARISATION: Final = 0.05
_TRUST: Final = 10.0
_ROUNDS: Final = 10

Floats = npt.NDArray[np.float32]


def track_vectors(sessions: Sessions, n_tracks: int, *, seed: int, threads: int) -> Floats:
    """Factors of sessions × tracks, float32, shape (n_tracks, 64); zeros for what none holds.

    Hu, Koren and Volinsky (2008), "Collaborative Filtering for Implicit Feedback Datasets", by
    `implicit`. Where two tracks were never in one session, this may still tell that they belong
    together.
    """
    quiet_threads()
    import scipy.sparse as sp
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    owner = np.repeat(np.arange(len(sessions)), np.diff(sessions.offsets))
    held = np.unique(owner * n_tracks + sessions.tracks)
    session, track = np.divmod(held, n_tracks)
    trust = np.full(len(held), _TRUST, np.float32)
    believed = sp.csr_matrix((trust, (session, track)), (len(sessions), n_tracks))
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=_FACTORS,
            regularization=_REGULARISATION,
            iterations=_ROUNDS,
            random_state=seed,
            num_threads=threads,
        )
        model.fit(believed, show_progress=False)
    vectors = np.array(model.item_factors, dtype=np.float32)
    vectors[np.bincount(track, minlength=n_tracks) == 0] = 0
    return vectors
