"""What is kept in memory, up to a number of bytes."""

from __future__ import annotations

from segue.flows.online.kept import Kept


def test_what_was_not_used_for_longest_goes_first() -> None:
    kept: Kept[str, int] = Kept(100)
    for name in "abc":
        kept.put(name, 1, 40)
    assert [kept.get(name) for name in "abc"] == [None, 1, 1]


def test_of_what_is_too_large_the_latest_stays_beside_the_rest() -> None:
    kept: Kept[str, int] = Kept(100)
    kept.put("small", 1, 60)
    kept.put("huge", 2, 1_000)
    assert (kept.get("small"), kept.get("huge"), len(kept)) == (1, 2, 2)
    kept.put("other", 3, 2_000)
    assert (kept.get("small"), kept.get("huge"), kept.get("other")) == (1, None, 3)
    kept.put("other", 4, 10)
    assert (kept.get("other"), kept.bytes) == (4, 70)
    kept.put("huge", 5, 1_000)
    kept.drop(lambda name: name == "huge")
    assert kept.get("huge") is None
    kept.clear()
    assert len(kept) == 0
