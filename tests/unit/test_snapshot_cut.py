"""Where a mart is cut into files, and that the cuts stay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from segue.warehouse.snapshot_cut import Piece, Tally, cut


def tallies(**rows: int) -> list[Tally]:
    return [Tally(key, number, f"{key}{number}") for key, number in rows.items()]


def keys(pieces: list[Piece]) -> list[str]:
    return ["".join(tally.key for tally in piece.tallies) for piece in pieces]


def test_small_marts_are_one_piece() -> None:
    assert keys(cut(tallies(b=4_000, a=4_000))) == ["ab"]


def test_large_ones_are_cut_between_keys() -> None:
    pieces = cut(tallies(a=2_000, b=2_000, c=2_000, d=90_000, e=1))
    assert keys(pieces) == ["ab", "c", "d", "e"]
    assert (pieces[0].first, pieces[0].last, pieces[0].rows) == ("a", "b", 4_000)


def test_cuts_stay_where_they_were() -> None:
    grown = tallies(a=2_000, b=2_500, bb=10, c=2_000, d=90_000, e=1, f=1)
    assert keys(cut(grown, ["a", "c", "d", "e"])) == ["abbb", "c", "d", "ef"]
    # a key before the first one, a piece that is empty now, and one that has grown too large
    grown = tallies(Z=1, a=9_000, b=2_000, d=5, e=1)
    assert keys(cut(grown, ["a", "c", "d", "e"])) == ["Z", "a", "b", "d", "e"]


def test_a_digest_tells_rows_and_form() -> None:
    (one,) = cut(tallies(a=1, b=2))
    (same,) = cut(tallies(b=2, a=1))
    (other,) = cut([Tally("a", 1, "a1"), Tally("b", 2, "changed")])
    assert one.digest("1") == same.digest("1") != other.digest("1")
    assert one.digest("1") != one.digest("2")


@given(
    st.dictionaries(st.text(max_size=3), st.integers(1, 9_000), min_size=1),
    st.lists(st.text(max_size=3), unique=True).map(sorted),
)
def test_nothing_is_lost_and_the_order_stays(rows: dict[str, int], known: list[str]) -> None:
    pieces = cut([Tally(key, number, "") for key, number in rows.items()], known)
    found = [(tally.key, tally.rows) for piece in pieces for tally in piece.tallies]
    assert found == sorted(rows.items())
