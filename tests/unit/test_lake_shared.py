"""Files that many users share: few, without duplicates, and without whoever is forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import WarehouseError
from segue.music import columns as c
from segue.music.account import Account
from segue.music.lake_tables import PLAYS
from segue.sources.base import Chunk
from segue.warehouse.duckdb import DuckDBWarehouse
from segue.warehouse.lake import Commit, Lake
from segue.warehouse.lake_forget import Whose, forget_in_lake, lake_loss
from segue.warehouse.lake_s3 import LakeS3, S3Options, S3Place
from segue.warehouse.loading import plan_load
from tests.s3_server import S3Server
from tests.support import NOW, play_rows

USERS = [f"listener-{n:02d}" for n in range(20)]
ANN, BEN = USERS[3], USERS[11]
YEAR = 366 * 24 * 60

Open = Callable[[], Lake]


@pytest.fixture(params=["folder", "s3"])
def open_lake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    if request.param == "folder":
        yield lambda: Lake(tmp_path / "lake", threads=2)
        return
    server: S3Server = request.getfixturevalue("s3")
    where = S3Place(request.getfixturevalue("bucket"), "lake")
    options = S3Options(endpoint_url=server.url)
    yield lambda: Lake(LakeS3(where, options, folder=tmp_path / "cache"), threads=2)


def rows(users: Sequence[str], *minutes: int, source: str = "app") -> pa.Table:
    """Plays of each user at each minute; titles say whose they are."""
    return pa.concat_tables(
        play_rows(*[(at, user, f"Song {at}") for at in minutes], user_id=user, source=source)
        for user in users
    )


def put(lake: Lake, *chunks: pa.Table) -> Commit:
    with lake.writing(), lake.begin("events", lake.folder, user_id="", name="events") as new:
        new.file("events", "events")
        for chunk in chunks:
            new.stage("events", Chunk(PLAYS, chunk))
        return new.commit(NOW)


def told(lake: Lake) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.rows("plays").drop_columns([c.FILE_NO]).to_pylist()
    return found


def without(found: list[dict[str, Any]], user: str) -> list[dict[str, Any]]:
    return [row for row in found if row[c.USER_ID] != user]


def test_many_users_share_a_file_and_few_do_not(open_lake: Open) -> None:
    mixed = pa.concat_tables([rows(USERS, 1), rows(USERS[:16], 2, source="radio")])
    commit = put(open_lake(), mixed)
    shared, *own = open_lake().files("plays")
    assert (shared.partition, shared.user_id, shared.users, shared.rows) == ("app", "", 20, 20)
    assert sorted(file.user_id for file in own) == USERS[:16]
    assert {(file.partition, file.users, file.rows) for file in own} == {("radio", 0, 1)}
    assert commit.total == Account(read=36, kept=36)
    key = [(c.USER_ID, "ascending"), (c.SOURCE, "ascending")]
    back = open_lake().rows("plays").select(PLAYS.schema.names).sort_by(key)
    assert back.equals(mixed.sort_by(key))
    first, *_ = open_lake().status(NOW).shares
    assert (first.users, first.shared, first.files) == (20, 1, 1)
    assert open_lake().verify() == ()


def test_years_have_files_of_their_own(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", threads=1)
    put(lake, rows(USERS, 1, YEAR + 1))
    assert [(file.year, file.rows, file.users) for file in lake.files("plays")] == [
        ("2024", 20, 20),
        ("2025", 20, 20),
    ]


def test_who_does_not_know_shared_files_is_told_so(tmp_path: Path) -> None:
    """Their manifests are of a newer version; all others stay as older Segues read them."""
    lake = Lake(tmp_path / "lake", threads=1)
    put(lake, rows([ANN], 1))
    put(lake, rows(USERS, 2))
    paths = sorted((lake.folder / "commits").iterdir())
    assert [json.loads(path.read_bytes())["version"] for path in paths] == [2, 3]


@pytest.mark.parametrize("tidy", [False, True])
def test_a_row_counts_once_wherever_it_is(open_lake: Open, tidy: bool) -> None:
    put(open_lake(), rows([ANN], 1, 2))
    put(open_lake(), rows(USERS, 2, 3))
    put(open_lake(), rows(USERS, 4))
    if tidy:
        assert open_lake().compact(NOW).made == 1
    again = put(open_lake(), rows([ANN], 1, 2, 3, 4, 5))
    assert again.total == Account(read=5, kept=1, duplicate=4)
    again = put(open_lake(), rows(USERS, 1, 2, 4))
    assert again.total == Account(read=60, kept=19, duplicate=41)
    (file,) = again.files
    assert (file.rows, file.users) == (19, 19)


def test_only_files_of_a_users_own_dates_are_read(tmp_path: Path) -> None:
    """What one of many has heard long ago must not open the files of all the others."""
    lake = Lake(tmp_path / "lake", threads=1)
    for user in USERS[:5]:
        put(lake, rows([user], 1, 2, 3))
    for file in lake.files("plays"):
        if file.user_id != ANN:
            file.path.unlink()  # whoever read it would fail
    commit = put(lake, pa.concat_tables([rows(USERS, 9), rows([ANN], 2, 4)]))
    assert commit.total == Account(read=22, kept=21, duplicate=1)


def test_the_same_row_shared_and_alone_in_one_commit(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", threads=1)
    commit = put(lake, rows(USERS, 1), rows([ANN], 1, 2), rows(USERS, 1, 2))
    assert commit.total == Account(read=62, kept=40, duplicate=22)
    assert len({row[c.ROW_ID] for row in told(lake)}) == 40


def test_shared_files_are_put_together(open_lake: Open) -> None:
    for at in range(3):
        put(open_lake(), rows(USERS, at))
        put(open_lake(), rows([ANN], 100 + at))
    loaded = [(p.name, p.place, p.rows) for f in open_lake().files("plays") for p in f.pieces]
    before = told(open_lake())
    report = open_lake().compact(NOW)
    assert (report.merged, report.made, report.rows) == (6, 2, 63)
    lake = open_lake()
    assert told(lake) == before
    assert sorted((file.user_id, file.users, file.rows) for file in lake.files("plays")) == [
        ("", 20, 60),
        (ANN, 0, 3),
    ]
    assert plan_load(loaded, lake.files("plays")).loads == ()
    assert lake.verify() == ()


def traces(folder: Path, *words: str) -> set[str]:
    """Files that hold a word, in their bytes or in what Parquet unpacks to."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += repr(pq.read_table(path, partitioning=None).to_pydict()).encode()
            if any(word.encode() in content for word in words):
                found.add(path.relative_to(folder).as_posix())
    return found


def prepare(open_lake: Open, tidied: int) -> None:
    """Three shared commits and one of a user alone; files were put together after some of them."""
    for number, chunk in enumerate([rows(USERS, 1, 2), rows([ANN], 9), rows(USERS, 3)], start=1):
        put(open_lake(), chunk)
        if number in (3, tidied):
            open_lake().compact(NOW)
    put(open_lake(), pa.concat_tables([rows(USERS[4:], 4), rows([ANN], 20, 21)]))
    if tidied > 3:
        open_lake().compact(NOW + timedelta(hours=tidied))


@pytest.mark.parametrize(
    ("open_lake", "tidied"),
    [("folder", 0), ("folder", 4), ("folder", 40), ("s3", 4)],
    indirect=["open_lake"],
)
def test_a_user_goes_and_the_others_stay_row_for_row(open_lake: Open, tidied: int) -> None:
    prepare(open_lake, tidied)
    before, read = told(open_lake()), [one.total.read for one in open_lake().commits()]
    loss = lake_loss(open_lake(), Whose(ANN))
    assert (dict(loss.rows), loss.users) == ({("plays", "app"): 6}, tuple(USERS))
    forget_in_lake(open_lake(), Whose(ANN))
    lake = open_lake()
    assert told(lake) == without(before, ANN)
    totals = [one.total for one in lake.commits() if one.kind == "events"]
    assert [(one.read, one.kept, one.forgotten) for one in totals] == [
        (40, 38, 2),
        (1, 0, 1),
        (20, 19, 1),
        (18, 16, 2),
    ]
    assert [one.total.read for one in lake.commits()][: len(read)] == read
    assert lake.verify() == ()
    local = lake.folder
    for file in lake.files("plays"):  # what is fetched from S3 is looked at, too
        assert file.path.is_file()
        assert file.users == 19 or file.rows == 16
    assert traces(local, ANN) == set()
    again = lake_loss(open_lake(), Whose(ANN))
    assert (dict(again.rows), again.names) == ({}, ())
    assert put(open_lake(), rows([ANN], 1)).total.kept == 1, "what was forgotten is new again"
    assert put(open_lake(), rows(USERS, 1)).total.kept == 0
    forget_in_lake(open_lake(), Whose(None, "app"))
    assert told(open_lake()) == []
    assert sum(one.total.forgotten for one in open_lake().commits()) == sum(read) + 1


def test_a_user_of_one_source_goes(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", threads=1)
    put(lake, rows(USERS, 1), rows(USERS, 1, source="radio"))
    before = told(lake)
    assert dict(lake_loss(lake, Whose(ANN, "radio")).rows) == {("plays", "radio"): 1}
    forget_in_lake(lake, Whose(ANN, "radio"))
    left = [row for row in before if (row[c.USER_ID], row[c.SOURCE]) != (ANN, "radio")]
    assert told(Lake(lake.folder)) == left
    forget_in_lake(lake, Whose(None, "radio"))
    assert {(row[c.SOURCE]) for row in told(Lake(lake.folder))} == {"app"}
    assert Lake(lake.folder).verify() == ()


@pytest.mark.parametrize("tidy", [False, True])
def test_a_shared_file_that_is_of_one_user_goes_as_a_whole(tmp_path: Path, tidy: bool) -> None:
    lake = Lake(tmp_path / "lake", threads=1)
    some, first = USERS[1:17], USERS[0]
    put(lake, rows(some, 1, 2))
    for at in (1, 2):  # all but one know theirs already
        (file,) = put(lake, rows([first, *some], at)).files
        assert (file.shared, file.rows, file.users) == (True, 1, 1)
    if tidy:
        assert lake.compact(NOW).made == 1
    forget_in_lake(lake, Whose(first))
    assert len(list((lake.folder / "plays").rglob("*.parquet"))) == 16
    totals = [one.total for one in Lake(lake.folder).commits() if one.accounts]
    assert [(one.kept, one.forgotten) for one in totals] == [(32, 0), (0, 1), (0, 1)]
    assert traces(tmp_path, first) == set()
    assert Lake(lake.folder).verify() == ()


STEPS = ["thinned", "move", "moved", "before manifest", "manifest", "rejects", "manifests"]


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("tidied", [0, 40])
def test_stopped_at_any_step_and_done_again(
    tmp_path: Path, step: str, nth: int, tidied: int
) -> None:
    def open_lake() -> Lake:
        return Lake(tmp_path / "lake", threads=1)

    prepare(open_lake, tidied)
    before, names = told(open_lake()), lake_loss(open_lake(), Whose(ANN)).names
    met = 0

    def stop(done: str) -> None:
        nonlocal met
        met += done == step
        if done == step and met == nth:
            raise KeyboardInterrupt

    try:
        forget_in_lake(open_lake(), Whose(ANN), names, on_step=stop)
    except KeyboardInterrupt:
        assert without(told(open_lake()), ANN) == without(before, ANN)
    forget_in_lake(open_lake(), Whose(ANN), names)
    lake = open_lake()
    assert told(lake) == without(before, ANN)
    totals = [one.total for one in lake.commits() if one.kind == "events"]
    assert [(one.kept, one.forgotten) for one in totals] == [(38, 2), (0, 1), (19, 1), (16, 2)]
    assert traces(tmp_path, ANN) == set()
    assert lake.verify() == ()


def test_a_damaged_shared_file_is_not_touched(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", threads=1)
    put(lake, rows(USERS, 1))
    (file,) = lake.files("plays")
    content = bytearray(file.path.read_bytes())
    content[len(content) // 2] ^= 1
    file.path.write_bytes(content)
    with pytest.raises(WarehouseError, match=r"changed|cannot be read"):
        forget_in_lake(lake, Whose(ANN))
    assert file.path.read_bytes() == bytes(content)
    assert [one.name for one in Lake(lake.folder).files("plays")] == [file.name]


def test_a_warehouse_loads_anew_what_lost_rows(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", threads=1)
    warehouse = DuckDBWarehouse(tmp_path / "warehouse")

    def loaded() -> int:
        with warehouse.writing():
            return warehouse.load("plays", Lake(lake.folder).files("plays")).rows

    put(lake, rows(USERS, 1))
    put(lake, rows([ANN], 5))
    assert loaded() == 21
    put(lake, rows(USERS, 2))
    lake.compact(NOW)
    assert loaded() == 20
    forget_in_lake(lake, Whose(ANN))
    assert loaded() == 38
    put(lake, rows(USERS[:2], 7))
    assert loaded() == 2


def test_a_compaction_meanwhile(bucket: str, s3: S3Server, tmp_path: Path) -> None:
    """On S3 somebody puts files together while a user is forgotten: no row is lost or doubled."""

    def open_lake(name: str = "a") -> Lake:
        place, options = S3Place(bucket, "lake"), S3Options(endpoint_url=s3.url)
        return Lake(LakeS3(place, options, folder=tmp_path / name), threads=1)

    for step in ("thinned", "manifest"):
        for at in (1, 2):
            put(open_lake(), rows(USERS, at))
        before, done = told(open_lake()), False

        def meanwhile(at: str, step: str = step) -> None:
            nonlocal done
            if at == step and not done:
                done = True
                open_lake("b").compact(NOW)

        forget_in_lake(open_lake(), Whose(ANN), on_step=meanwhile)
        after = told(open_lake())
        assert sorted(map(repr, after)) == sorted(map(repr, without(before, ANN)))
        assert sum(one.total.kept for one in open_lake().commits()) == len(after)
        assert open_lake().verify() == ()


@settings(deadline=None, max_examples=15)
@given(
    steps=st.lists(
        st.one_of(
            st.lists(
                st.tuples(st.sampled_from(USERS[:18]), st.integers(0, 5)), min_size=1, max_size=40
            ),
            st.just("all"),
            st.just("compact"),
            st.sampled_from([ANN, BEN]),
        ),
        min_size=2,
        max_size=7,
    )
)
def test_whatever_comes_and_goes(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("any") / "lake"
    wanted: set[tuple[str, str]] = set()
    for number, step in enumerate(steps):
        lake = Lake(folder, threads=1)
        if step == "compact":
            lake.compact(NOW + timedelta(hours=30 * number))
        elif isinstance(step, str) and step != "all":
            if lake.commits():
                forget_in_lake(lake, Whose(step))
            wanted = {one for one in wanted if one[0] != step}
        else:
            plays = [(user, 1) for user in USERS] if step == "all" else step
            put(lake, pa.concat_tables(rows([user], at) for user, at in plays))
            wanted |= {(user, f"Song {at}") for user, at in plays}
    lake = Lake(folder, threads=1)
    found = [(row[c.USER_ID], row[c.TITLE]) for row in told(lake)]
    assert sorted(found) == sorted(wanted)
    assert sum(commit.total.kept for commit in lake.commits()) == len(wanted)
    assert lake.verify() == ()
