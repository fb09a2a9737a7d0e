"""A snapshot shares with the last one the files whose rows have not changed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from segue.music.marts import MARTS
from segue.warehouse.snapshots import Snapshot
from tests.flows.test_build import EXPORT, House, play

pytestmark = pytest.mark.xdist_group("published_houses")
USERS = 12


def plays_of(user: int, *, since: int = 0) -> list[dict[str, object]]:
    return [
        play(f"user{user:02d}", EXPORT, 300 * n, f"Song {n % 50}", ms_played=60_000 + user)
        for n in range(since, since + 1_000)
    ]


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Snapshot, Snapshot]:
    """A house that was built, then again after one user had played more: both snapshots."""
    house = House(tmp_path_factory.mktemp("grown"))
    house.lake.add("plays", [row for user in range(USERS) for row in plays_of(user)])
    house.build()
    first = house.snapshot
    house.lake.add("plays", plays_of(7, since=1_000)[:10])
    house.build()
    return house, first, house.snapshot


def names(snapshot: Snapshot, mart: str) -> list[str]:
    return [path.relative_to(snapshot.folder).as_posix() for path in snapshot.files(mart)]


def test_only_what_changed_is_written(houses: tuple[House, Snapshot, Snapshot]) -> None:
    _, first, second = houses
    assert names(first, "plays") == [f"plays/{n:04d}.parquet" for n in range(3)]
    assert names(first, "sessions") == ["sessions.parquet"]
    shared = [
        one.samefile(other)
        for one, other in zip(first.files("plays"), second.files("plays"), strict=True)
    ]
    assert shared == [True, False, True]
    assert second.files("crowd_counts")[0].samefile(first.files("crowd_counts")[0])
    assert not second.files("users")[0].samefile(first.files("users")[0])
    assert (first.rows("plays"), second.rows("plays")) == (12_000, 12_010)


def test_it_is_what_a_build_of_everything_publishes(
    houses: tuple[House, Snapshot, Snapshot], tmp_path: Path
) -> None:
    house, _, second = houses
    anew = House(tmp_path)
    anew.lake = house.lake
    anew.build()
    for mart in MARTS:
        assert second.read(mart).equals(anew.snapshot.read(mart)), mart
        assert names(second, mart) == names(anew.snapshot, mart)
    keys = [second.read("plays")[name].to_pylist() for name in ("user_id", "played_at")]
    assert list(zip(*keys, strict=True)) == sorted(zip(*keys, strict=True))


def test_damage_is_not_passed_on(houses: tuple[House, Snapshot, Snapshot]) -> None:
    house, _, _ = houses
    good = {mart: house.snapshot.read(mart) for mart in ("plays", "crowd_counts", "sessions")}
    house.snapshot.files("plays")[0].write_bytes(b"not Parquet")
    house.snapshot.files("crowd_counts")[0].unlink()
    house.build()
    assert _read(house.snapshot, good) == good
    (house.snapshot.folder / "parts.json").write_text("{")
    house.build()
    assert _read(house.snapshot, good) == good


def _read(snapshot: Snapshot, like: dict[str, pa.Table]) -> dict[str, pa.Table]:
    return {mart: snapshot.read(mart) for mart in like}
