"""Least squares in blocks: the same numbers, and rounds that survive an interruption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares

from segue.recommenders.alternating import Here, alternate
from segue.recommenders.workplace import Workplace


def _plays(seed: int = 1) -> sp.csr_array:
    found = sp.random_array(
        (200, 90), density=0.08, rng=np.random.default_rng(seed), format="csr", dtype=np.float32
    )
    found.data += 1
    return sp.csr_array(found)


def _learned(
    plays: sp.csr_array, workplace: Workplace | None = None, entries: int = 1 << 24
) -> np.ndarray:
    return alternate(
        plays,
        n_factors=8,
        regularisation=2.0,
        iterations=6,
        seed=5,
        threads=1,
        workplace=workplace,
        solver=Here(1, entries),
    )


@pytest.mark.filterwarnings("ignore:OpenBLAS is configured:RuntimeWarning")
def test_the_vectors_are_those_of_implicit() -> None:
    model = AlternatingLeastSquares(
        factors=8, regularization=2.0, iterations=6, random_state=5, num_threads=1
    )
    model.fit(sp.csr_matrix(_plays()), show_progress=False)
    assert np.array_equal(_learned(_plays()), model.item_factors)


@pytest.mark.parametrize("entries", [1, 7, 300])
def test_blocks_change_nothing(entries: int) -> None:
    assert np.array_equal(_learned(_plays(), entries=entries), _learned(_plays()))


def test_a_matrix_on_disk_is_learned_from_as_one_in_memory(tmp_path: Path) -> None:
    plays = _plays()
    for name in ("data", "indices", "indptr"):
        np.save(tmp_path / f"{name}.npy", getattr(plays, name))
    parts = [np.load(tmp_path / f"{n}.npy", mmap_mode="r") for n in ("data", "indices", "indptr")]
    assert np.array_equal(_learned(sp.csr_array(tuple(parts), plays.shape)), _learned(plays))


def test_an_interrupted_training_goes_on_to_the_same_vectors(tmp_path: Path) -> None:
    def stopped(share: float) -> None:
        if share > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _learned(_plays(), Workplace(tmp_path, stopped, every_s=0))
    shares: list[float] = []
    found = _learned(_plays(), Workplace(tmp_path, shares.append, every_s=0))
    assert np.array_equal(found, _learned(_plays()))
    assert shares[0] == pytest.approx(4 / 6)  # three rounds had been kept
    assert len([*tmp_path.glob("step-*")]) == 1


def test_rounds_of_other_plays_are_not_gone_on_with(tmp_path: Path) -> None:
    _learned(_plays(2), Workplace(tmp_path, every_s=0))
    assert np.array_equal(_learned(_plays(), Workplace(tmp_path, every_s=0)), _learned(_plays()))


def test_a_damaged_state_is_begun_anew(tmp_path: Path) -> None:
    _learned(_plays(), Workplace(tmp_path, every_s=0))
    (file,) = tmp_path.glob("step-*/rows.npy")
    file.write_bytes(b"no array")
    assert np.array_equal(_learned(_plays(), Workplace(tmp_path, every_s=0)), _learned(_plays()))
