"""Taking rows out of the lake: those that are meant, all of them, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.music.lake_tables import CATALOGUE, LAKE_TABLES, PLAYS
from segue.sources.base import Chunk
from segue.warehouse.lake import Lake
from segue.warehouse.lake_forget import LakeLoss, Whose, forget_in_lake, lake_loss
from tests.support import NOW, lake_rows, play_rows, reject_rows


@dataclass(frozen=True)
class Import:
    """One input: for each of its files the reader, minutes at which plays began, and rejects."""

    user_id: str
    files: tuple[tuple[str, tuple[int, ...], int], ...]


def bring(lake: Lake, one: Import, kind: str = "history") -> None:
    """Import it; every play of a user is named after the user."""
    with (
        lake.writing(),
        lake.begin(kind, Path(f"/data/{one.user_id}.zip"), user_id=one.user_id, name="") as new,
    ):
        for n, (source, minutes, n_rejects) in enumerate(one.files):
            name = f"{one.user_id}-{n}.json"
            new.file(name, source)
            plays = [(minute, one.user_id, f"Song {minute}") for minute in minutes]
            rows = play_rows(*plays, user_id=one.user_id, source=source)
            rejects = reject_rows(*[(name, row, "podcast") for row in range(n_rejects)])
            new.stage(name, Chunk(PLAYS, rows, rejects))
        new.commit(NOW)


def catalogue(lake: Lake, user_id: str) -> None:
    """A catalogue, which is nobody's, imported by somebody whose name is the default."""
    with (
        lake.writing(),
        lake.begin("catalogue", Path("/data/t.csv"), user_id=user_id, name="t") as new,
    ):
        new.file("t.csv", "track_table")
        rows = lake_rows(CATALOGUE, {"catalogue": "t", "track_ref": "id:1", "title": "Song"})
        new.stage("t.csv", Chunk(CATALOGUE, rows, reject_rows(("t.csv", 9, "empty"))))
        new.commit(NOW)


def rows_of(lake: Lake) -> list[tuple[str, dict[str, Any]]]:
    """Every row of every table, in their order."""
    found = [(name, lake.rows(name).drop_columns(["file_no"]).to_pylist()) for name in LAKE_TABLES]
    return [(name, row) for name, rows in found for row in rows]


def left(rows: Iterable[tuple[str, dict[str, Any]]], whose: Whose) -> list[Any]:
    """Those that are not meant."""

    def meant(row: dict[str, Any]) -> bool:
        of_user = "user_id" in row and whose.user_id in (None, row["user_id"])
        return of_user and whose.source in (None, row["source"])

    return [(name, row) for name, row in rows if not meant(row)]


def rejected(lake: Lake) -> list[str]:
    """The input files that rejected rows name."""
    files = [file for commit in lake.commits() for file in commit.rejects]
    return sorted(name for file in files for name in pq.read_table(file.path)["file"].to_pylist())


def forget(folder: Path, whose: Whose) -> LakeLoss:
    loss = lake_loss(Lake(folder), whose)
    forget_in_lake(Lake(folder), whose)
    return loss


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.parquet")}


ANN = Import("ann", (("spotify_export", (1, 2, 3), 2), ("lastfm_csv", (4,), 1)))
BOB = Import("bob", (("spotify_export", (1, 2), 1),))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake", threads=1)
    bring(lake, ANN)
    bring(lake, BOB)
    bring(lake, ANN)  # again: all of it is a duplicate
    catalogue(lake, "ann")
    return lake


def test_a_user_goes_and_the_others_stay_row_for_row(lake: Lake) -> None:
    before = rows_of(lake)
    loss = forget(lake.folder, Whose("ann"))
    assert loss.rows == {("plays", "lastfm_csv"): 1, ("plays", "spotify_export"): 3}
    assert (loss.rejects, loss.commits, loss.users) == (6, 2, ("ann", "bob"))
    assert rows_of(Lake(lake.folder)) == left(before, Whose("ann"))
    assert rejected(Lake(lake.folder)) == ["bob-0.json", "t.csv"]
    named = {name for commit in Lake(lake.folder).commits() for name in commit.names}
    assert files_in(lake.folder) == {Path(name).name for name in named}
    for path in lake.folder.rglob("*"):
        assert path.is_dir() or b"ann" not in path.read_bytes(), path
    accounts = [commit.total.as_dict() for commit in Lake(lake.folder).commits()]
    assert accounts[0] == {"read": 7, "kept": 0, "duplicate": 0, "rejected": {}, "forgotten": 7}
    assert accounts[1] == {"read": 3, "kept": 2, "duplicate": 0, "rejected": {"podcast": 1}}
    assert accounts[2] == {"read": 7, "kept": 0, "duplicate": 4, "rejected": {}, "forgotten": 3}
    assert accounts[3] == {"read": 2, "kept": 1, "duplicate": 0, "rejected": {"empty": 1}}


def test_a_source_goes_from_one_user_or_from_all(lake: Lake) -> None:
    before = rows_of(lake)
    for whose in (Whose("ann", "spotify_export"), Whose(None, "spotify_export")):
        loss = forget(lake.folder, whose)
        assert [source for _, source in loss.rows] == ["spotify_export"]
        before = left(before, whose)
        assert rows_of(Lake(lake.folder)) == before
    assert [row["source"] for name, row in before if name == "plays"] == ["lastfm_csv"]
    assert rejected(Lake(lake.folder)) == ["ann-1.json", "ann-1.json", "t.csv"]
    first, second, *_ = Lake(lake.folder).commits()
    assert [file.account.as_dict() for file in first.accounts] == [
        {"read": 5, "kept": 0, "duplicate": 0, "rejected": {}, "forgotten": 5},
        {"read": 2, "kept": 1, "duplicate": 0, "rejected": {"podcast": 1}},
    ]
    assert (first.user_id, first.input.name) == ("ann", "ann.zip")
    assert (second.user_id, second.input.name) == ("bob", "forgotten")  # nothing of it is left


def test_what_was_forgotten_is_new_again(lake: Lake) -> None:
    before = rows_of(lake)
    forget(lake.folder, Whose("ann"))
    again = Lake(lake.folder, threads=1)
    bring(again, ANN)
    assert again.commits()[-1].total.kept == 4

    def in_order(rows: list[Any]) -> list[str]:
        return sorted(map(repr, rows))

    assert in_order(rows_of(again)) == in_order(before)


def test_what_was_put_together_goes_too(lake: Lake) -> None:
    bring(lake, Import("ann", (("spotify_export", (11, 12), 0),)))
    bring(lake, Import("bob", (("spotify_export", (13,), 0),)))
    before = rows_of(lake)
    assert lake.compact(NOW).merged
    assert len(rows_of(lake)) == len(before)
    before = rows_of(lake)
    forget(lake.folder, Whose("ann"))
    assert rows_of(Lake(lake.folder)) == left(before, Whose("ann"))
    for path in lake.folder.rglob("*"):
        assert path.is_dir() or b"ann" not in path.read_bytes(), path
    assert Lake(lake.folder).verify() == ()
    assert sum(commit.total.kept for commit in Lake(lake.folder).commits()) == 3 + 1


def test_nothing_of_it_is_nothing_done(lake: Lake) -> None:
    content = {path: path.read_bytes() for path in lake.folder.rglob("*") if path.is_file()}
    for whose in (Whose("eve"), Whose(None, "koito"), Whose("bob", "lastfm_csv")):
        loss = forget(lake.folder, whose)
        assert (dict(loss.rows), loss.rejects, loss.commits, loss.names) == ({}, 0, 0, ())
    now = {path: path.read_bytes() for path in lake.folder.rglob("*") if path.is_file()}
    assert {path for path in now if path.name != "lock"} == {
        path for path in content if path.name != "lock"
    }
    with pytest.raises(ValueError, match="neither"):
        Whose()


IMPORTS = st.builds(
    Import,
    st.sampled_from(["ann", "bob", "Zoë 1"]),
    st.lists(
        st.tuples(
            st.sampled_from(["spotify_export", "lastfm_csv", "koito"]),
            st.lists(st.integers(0, 12), max_size=6).map(tuple),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=3,
    ).map(tuple),
)


@settings(deadline=None, max_examples=12)
@given(
    imports=st.lists(IMPORTS, min_size=1, max_size=4),
    whose=st.builds(
        Whose, st.sampled_from(["ann", "Zoë 1"]), st.sampled_from([None, "koito", "lastfm_csv"])
    )
    | st.builds(Whose, st.none(), st.sampled_from(["koito", "spotify_export"])),
    compacted=st.booleans(),
)
def test_whatever_was_imported(
    tmp_path_factory: pytest.TempPathFactory,
    imports: list[Import],
    whose: Whose,
    compacted: bool,
) -> None:
    lake = Lake(tmp_path_factory.mktemp("any") / "lake", threads=1)
    for one in imports:
        bring(lake, one)
    if compacted:
        lake.compact(NOW)
    before, read = rows_of(lake), [commit.total.read for commit in lake.commits()]
    loss = forget(lake.folder, whose)
    after = Lake(lake.folder)
    assert rows_of(after) == left(before, whose)
    assert sum(loss.rows.values()) == len(before) - len(rows_of(after))
    assert [commit.total.read for commit in after.commits()] == read  # and accounts balance
    assert sum(commit.total.kept for commit in after.commits()) == len(rows_of(after))
    assert after.verify() == ()
    named = {Path(name).name for commit in after.commits() for name in commit.names}
    counting = {Path(file.name).name for file in after.state().files}
    assert counting <= files_in(lake.folder) <= named
    manifests = [json.loads(path.read_bytes()) for path in (lake.folder / "commits").iterdir()]
    if whose.whole_user:
        assert whose.user_id not in {manifest["user_id"] for manifest in manifests}
    forget(lake.folder, whose)
    assert rows_of(Lake(lake.folder)) == rows_of(after)
