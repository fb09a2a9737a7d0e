"""Ids to rows, whatever the ids look like."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.features.id_index import IdIndex


@pytest.mark.parametrize(
    "ids",
    [
        ["t0001", "t0002", "t0104"],
        ["a", "b", "c"],
        ["t1", "t22", "x"],
        ["é1", "é2", "ü3"],
        ["", "a"],
        [],
        ["same-beginning-0000000000000001", "same-beginning-0000000000000002"],
    ],
)
def test_every_id_is_found_and_nothing_else(ids: list[str]) -> None:
    index = IdIndex(pa.chunked_array([pa.array(ids, pa.string())]))
    strangers = [
        "t0003",
        "zz",
        "t",
        "same-beginning-0000000000000003",
        "other-beginning-000000000000001",
    ]
    asked = [*reversed(ids), None, *strangers, *ids]
    expected = [ids.index(one) if one in ids else -1 for one in asked]
    assert index.rows(pa.array(asked, pa.string())).tolist() == expected
    back = np.arange(len(ids))[::-1]
    assert index.ids(back) == tuple(reversed(ids))
    kept = IdIndex(pa.chunked_array([pa.array(ids, pa.string())]), index.to_keep())
    assert kept.rows(pa.array(asked, pa.string())).tolist() == expected
    assert kept.ids(back) == tuple(reversed(ids))


def test_ids_in_chunks_and_slices() -> None:
    whole = pa.array([f"t{n:05}" for n in range(1_000)])
    index = IdIndex(pa.chunked_array([whole[:10], whole[10:600], whole[600:]]))
    assert index.rows(whole[500:510]).tolist() == list(range(500, 510))
    assert index.rows(pa.chunked_array([whole[3:5], whole[998:]])).tolist() == [3, 4, 998, 999]
    assert index.rows(whole[5:5]).tolist() == []


@given(
    st.lists(st.text("0123456789abcdef", min_size=16, max_size=16), unique=True, max_size=60),
    st.lists(st.text("0123456789abcdef", min_size=15, max_size=17), max_size=30),
)
def test_as_a_dictionary_would(known: list[str], others: list[str]) -> None:
    ids = [f"t{one}" for one in known]
    place = {one: row for row, one in enumerate(ids)}
    asked = [*ids, *(f"t{one}" for one in others), *others]
    found = IdIndex(pa.chunked_array([pa.array(ids, pa.string())])).rows(pa.array(asked))
    assert found.tolist() == [place.get(one, -1) for one in asked]
