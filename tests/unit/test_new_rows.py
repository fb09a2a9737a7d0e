"""Finding the new rows: the same answer as a set and a loop, at any size."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue.warehouse.new_rows import new_rows

ids = st.lists(st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1), max_size=30)


@given(rows=ids, known=ids, dropping=st.booleans(), data=st.data())
def test_agrees_with_a_set_and_a_loop(
    rows: list[int], known: list[int], dropping: bool, data: st.DataObject
) -> None:
    dropped = [dropping and data.draw(st.booleans()) for _ in rows]
    seen, expected = set(known), []
    for row, gone in zip(rows, dropped, strict=True):
        expected.append(not gone and row not in seen)
        if not gone:
            seen.add(row)
    got = new_rows(
        np.array(rows, np.int64), np.array(known, np.int64), dropped=np.array(dropped, np.bool_)
    )
    assert got.tolist() == expected


def test_a_million_rows_in_parts() -> None:
    rng = np.random.default_rng(5)
    distinct = rng.integers(-(2**63), 2**63 - 1, 700_000)
    rows = np.concatenate([distinct, distinct[:300_000]])
    known = distinct[:100_000].copy()
    got = new_rows(rows, known, threads=2)
    assert not got[:100_000].any()
    assert got[100_000:700_000].all()
    assert not got[700_000:].any()
