"""The lake on S3: many writers, no locks, and an S3 that misbehaves in every way we know."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from segue.errors import ConfigError, StorageError, UnreachableError, WarehouseError
from segue.music import columns as c
from segue.music.account import Account
from segue.music.lake_tables import PLAYS
from segue.sources.base import Chunk
from segue.warehouse.lake import Commit, Lake
from segue.warehouse.lake_s3 import LakeS3, S3Options, S3Place
from tests.s3_server import FORBIDDEN, Fault, Proxy, Request, S3Server
from tests.support import NOW, play_rows, reject_rows
from tests.unit.lake_s3_worker import ROWS

REPO = Path(__file__).parents[2]
ONE, TWO, THREE = (0, "Ann", "One"), (5, "Bob", "Two"), (9, "Cat", "Three")

pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture
def open_lake(bucket: str, s3: S3Server, tmp_path: Path) -> Callable[..., Lake]:
    """Opens the bucket's lake with a cache of its own, as another machine does."""
    opened = 0

    def open_it(url: str = s3.url, place: str = f"s3://{bucket}/my lake", **more: float) -> Lake:
        nonlocal opened
        opened += 1
        options = S3Options(endpoint_url=url, timeout_seconds=more.get("timeout_seconds", 5))
        folder = tmp_path / f"cache{opened}"
        return Lake(LakeS3(S3Place.parse(place), options, folder=folder), threads=2)

    return open_it


def put(lake: Lake, *plays: tuple[int, str, str], rejects: int = 0) -> Commit:
    with lake.writing():
        return commit(lake, *plays, rejects=rejects)


def commit(lake: Lake, *plays: tuple[int, str, str], rejects: int = 0) -> Commit:
    with lake.begin("history", Path("/in/a"), user_id="ann", name="") as new:
        new.file("a.json", "list")
        rejected = reject_rows(*[("a.json", n, "podcast") for n in range(rejects)])
        new.stage("a.json", Chunk(PLAYS, play_rows(*plays), rejected))
        return new.commit(NOW)


def titles(lake: Lake) -> list[str]:
    rows = [pq.ParquetFile(file.path).read([c.TITLE]) for file in lake.files("plays")]
    return [title for part in rows for title in part[c.TITLE].to_pylist()]


def test_what_goes_in_comes_out_on_another_machine(
    open_lake: Callable[..., Lake], s3: S3Server, bucket: str
) -> None:
    first = put(open_lake(), ONE, TWO, rejects=3)
    again = put(open_lake(), TWO, THREE)
    assert first.total == Account(read=5, kept=2, rejected={"podcast": 3})
    assert again.total == Account(read=2, kept=1, duplicate=1)
    lake = open_lake()
    assert lake.commits() == (first, again)
    assert titles(lake) == ["One", "Two", "Three"]
    (rejects,) = lake.commits()[0].rejects
    assert pq.ParquetFile(rejects.path).read().num_rows == 3
    there = s3.names(bucket)
    assert [name for name in there if "commits" in name] == [
        "my lake/commits/00000001.json",
        "my lake/commits/00000002.json",
    ]
    assert {name.rpartition("/")[0] for name in there if "plays" in name} == {
        "my lake/plays/source=list/year=2024"
    }
    assert lake.verify() == ()
    assert not list((lake.folder / "staging").glob("*/"))


def test_a_lake_in_a_folder_may_be_copied_to_s3(
    open_lake: Callable[..., Lake], s3: S3Server, bucket: str, tmp_path: Path
) -> None:
    folder = Lake(tmp_path / "lake")
    put(folder, ONE, TWO)
    for path in folder.folder.rglob("*.*"):
        name = f"my lake/{path.relative_to(folder.folder).as_posix()}"
        s3.client().put_object(Bucket=bucket, Key=name, Body=path.read_bytes())
    lake = open_lake()
    assert [file.pieces for file in lake.files("plays")] == [
        file.pieces for file in folder.files("plays")
    ]
    assert put(lake, TWO, THREE).total == Account(read=2, kept=1, duplicate=1)


# --- many at once ---------------------------------------------------------------------------------


def start(
    s3: S3Server, bucket: str, folder: Path, first: int, fault: str = "none"
) -> subprocess.Popen[str]:
    path = f"{REPO / 'src'}{os.pathsep}{REPO}"
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.unit.lake_s3_worker"),
            *(f"s3://{bucket}/my lake", str(folder), str(first), fault),
        ],
        cwd=REPO,
        env=s3.environment(PYTHONPATH=path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_collectors_that_commit_in_the_same_moment(
    open_lake: Callable[..., Lake], s3: S3Server, bucket: str, tmp_path: Path
) -> None:
    # Each brings an hour of plays, half of them the same as the next one's; two share a home.
    firsts = [number * ROWS // 2 for number in range(6)]
    homes = [tmp_path / "home" / str(number // 2) for number in range(6)]
    running = [
        start(s3, bucket, home, first, "wait") for home, first in zip(homes, firsts, strict=True)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 6, answers
    counts = [tuple(map(int, answer.split())) for answer in answers]
    distinct = firsts[-1] + ROWS
    assert sum(kept for kept, _ in counts) == distinct
    assert all(kept + duplicate == ROWS for kept, duplicate in counts)
    lake = open_lake()
    assert [commit.number for commit in lake.commits()] == [1, 2, 3, 4, 5, 6]
    assert sorted(titles(lake)) == sorted(f"Song {minute}" for minute in range(distinct))
    assert lake.verify() == ()
    assert lake.status(NOW).orphans == (0, 0)  # what was uploaded in vain is gone


@pytest.mark.parametrize("step", ["deduplicated", "move", "before manifest", "manifest"])
def test_killed_at_a_step_all_or_nothing(
    open_lake: Callable[..., Lake], s3: S3Server, bucket: str, tmp_path: Path, step: str
) -> None:
    put(open_lake(), (100_000, "Ann", "Before"))
    before = s3.names(bucket)
    killed = start(s3, bucket, tmp_path / "home", 0, f"kill:{step}")
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    lake = open_lake()
    assert len(lake.commits()) == (2 if step == "manifest" else 1)
    assert lake.verify() == ()
    left = 1 if step in ("move", "before manifest") else 0
    assert lake.status(NOW).orphans[0] == left
    again = start(s3, bucket, tmp_path / "home", 0)
    answer = again.communicate(timeout=60)[0]
    assert answer == (f"0 {ROWS}\n" if step == "manifest" else f"{ROWS} 0\n")
    assert len(titles(open_lake())) == ROWS + 1
    assert len(list((tmp_path / "home" / "staging").glob("*/"))) == 0  # swept by the second
    clock = now_there(s3, bucket)
    assert lake.compact(clock + timedelta(hours=23), at_least=99).removed == 0
    assert lake.compact(clock + timedelta(hours=25), at_least=99).removed == left
    assert set(before) < set(s3.names(bucket))
    assert lake.verify() == ()


def now_there(s3: S3Server, bucket: str) -> datetime:
    times: list[dict[str, datetime]] = s3.client().list_objects_v2(Bucket=bucket)["Contents"]
    return max(entry["LastModified"] for entry in times)


def test_an_hour_of_plays_costs_the_same_in_a_large_lake(
    open_lake: Callable[..., Lake], proxy: Proxy
) -> None:
    filling = open_lake()
    with filling.writing():
        for hour in range(70):
            commit(filling, *[(60 * hour + n, "Ann", f"Song {hour} {n}") for n in range(3)])
    collector = open_lake(proxy.url)
    made = put(collector, *[(60 * 69 + n, "Ann", f"Song 69 {n}") for n in range(1, 9)])
    assert made.total == Account(read=8, kept=6, duplicate=2)
    asked = [f"{request.method} {request.path.partition('?')[0]}" for request in proxy.seen]
    # one list and one read of a checkpoint, the marker, a list before and after reading the input,
    # six manifests, the one file of the same hour, the new file, its manifest
    assert len(asked) <= 15, asked
    assert sum(request.path.count(".parquet") for request in proxy.seen) == 2
    assert proxy.sent < 60_000


# --- an S3 that misbehaves ------------------------------------------------------------------------

Fits = Callable[[Request], bool]


def anything(request: Request) -> bool:
    return True


def a_manifest(request: Request) -> bool:
    return request.is_put_of("commits")


def a_file(request: Request) -> bool:
    return request.is_put_of("plays")


def a_read(request: Request) -> bool:
    return request.method == "GET" and request.path.split("?")[0].endswith(".parquet")


@pytest.mark.parametrize(
    ("fits", "fault"),
    [
        (anything, Fault(500)),
        (a_file, Fault(503, "SlowDown")),
        (a_file, Fault(before=True)),
        (a_file, Fault(after=True)),
        (a_file, Fault(seconds=1.5)),
        (a_manifest, Fault(500)),
        (a_manifest, Fault(before=True)),
        (a_manifest, Fault(after=True)),
        (a_manifest, Fault(seconds=1.5)),
        (a_manifest, Fault(409, "ConditionalRequestConflict")),
    ],
    ids=lambda one: one.__name__ if callable(one) else str(one),
)
def test_a_fault_that_passes_is_not_noticed(
    open_lake: Callable[..., Lake], proxy: Proxy, fits: Fits, fault: Fault
) -> None:
    lake = open_lake(proxy.url, timeout_seconds=0.7)
    put(lake, ONE)
    proxy.once(fits, fault)
    assert put(lake, TWO).total == Account(read=1, kept=1)
    other = open_lake()
    assert titles(other) == ["One", "Two"]
    assert len(other.commits()) == 2
    assert other.verify() == ()


@pytest.mark.parametrize("fault", [Fault(half=True), Fault(flip=True)], ids=str)
def test_a_file_that_arrives_in_part_or_changed_is_fetched_again(
    open_lake: Callable[..., Lake], proxy: Proxy, fault: Fault
) -> None:
    put(open_lake(), ONE, TWO)
    proxy.once(a_read, fault)
    lake = open_lake(proxy.url)
    assert titles(lake) == ["One", "Two"]
    assert sum(a_read(request) for request in proxy.seen) == 2


@pytest.mark.parametrize("fits", [anything, a_file, a_manifest])
@pytest.mark.parametrize("fault", [Fault(503, "SlowDown"), Fault(before=True)], ids=str)
def test_a_fault_that_stays_is_told_and_nothing_counts(
    open_lake: Callable[..., Lake], proxy: Proxy, fits: Fits, fault: Fault
) -> None:
    put(open_lake(), ONE)
    lake = open_lake(proxy.url, timeout_seconds=0.7)
    proxy.fault = lambda request: fault if fits(request) else None
    with pytest.raises(UnreachableError) as told:
        put(lake, TWO)
    assert "run it again" in told.value.cure
    assert len(open_lake().commits()) == 1
    proxy.fault = lambda request: None
    assert put(lake, TWO).total.kept == 1
    assert open_lake().verify() == ()


def test_the_answer_to_the_manifest_never_arrives(
    open_lake: Callable[..., Lake], proxy: Proxy
) -> None:
    lake = open_lake(proxy.url, timeout_seconds=0.7)
    put(lake, ONE)
    proxy.fault = lambda request: Fault(after=True) if a_manifest(request) else None
    with pytest.raises(UnreachableError):
        put(lake, TWO)
    other = open_lake()
    assert titles(other) == ["One", "Two"]  # it counts after all, and its file was left in peace
    assert put(other, TWO).total == Account(read=1, duplicate=1)


def test_a_file_that_changed_in_s3(
    open_lake: Callable[..., Lake], s3: S3Server, bucket: str
) -> None:
    (file,) = put(open_lake(), ONE, TWO).files
    key = f"my lake/{file.name}"
    content = s3.client().get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.client().put_object(Bucket=bucket, Key=key, Body=content[:-5] + b"12345")
    lake = open_lake()
    with pytest.raises(WarehouseError, match="has changed since it was written"):
        titles(lake)
    assert [fault.what for fault in lake.verify()] == ["it has changed since it was written"]
    s3.client().delete_object(Bucket=bucket, Key=key)
    assert [fault.what for fault in lake.verify()] == ["it is gone"]
    with pytest.raises(WarehouseError, match="missing or damaged"):
        put(open_lake(), ONE)


def test_a_copy_that_rots_in_the_cache_is_fetched_again(open_lake: Callable[..., Lake]) -> None:
    lake = open_lake()
    put(lake, ONE, TWO)
    (file,) = lake.files("plays")
    file.path.write_bytes(b"rotten")
    assert titles(lake) == ["One", "Two"]


# --- what somebody got wrong ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (FORBIDDEN, StorageError, "forbids"),
        (Fault(403, "InvalidAccessKeyId"), ConfigError, "does not accept the credentials"),
        (Fault(403, "SignatureDoesNotMatch"), ConfigError, "does not accept the credentials"),
        (Fault(400, "ExpiredToken"), ConfigError, "does not accept the credentials"),
        (Fault(301, "PermanentRedirect"), ConfigError, "another region"),
        (Fault(400, "InvalidRequest"), StorageError, "refused"),
    ],
)
def test_answers_that_need_a_person(
    open_lake: Callable[..., Lake],
    proxy: Proxy,
    fault: Fault,
    kind: type[WarehouseError | ConfigError],
    said: str,
) -> None:
    proxy.fault = lambda request: fault if request.method != "HEAD" else None
    with pytest.raises(kind, match=said) as told:
        put(open_lake(proxy.url), ONE)
    assert told.value.cure
    assert "secret" not in str(told.value)


def test_a_bucket_that_is_not_there(open_lake: Callable[..., Lake]) -> None:
    with pytest.raises(ConfigError, match="there is no bucket “no-such-bucket”"):
        open_lake(place="s3://no-such-bucket").commits()


def test_nobody_listens(open_lake: Callable[..., Lake]) -> None:
    with pytest.raises(UnreachableError, match="does not answer"):
        open_lake("http://127.0.0.1:9", timeout_seconds=0.5).commits()


def test_no_credentials(open_lake: Callable[..., Lake], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ConfigError, match="no credentials") as told:
        open_lake().commits()
    assert "AWS_PROFILE" in told.value.cure
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigError, match="nobody"):
        open_lake().commits()


@pytest.mark.parametrize(
    "address", ["s3://", "s3://A", "s3:/bucket/a", "s3://bucket/../other", "s3://b_d/x"]
)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ConfigError, match="no place in S3"):
        S3Place.parse(address)


def test_an_s3_without_conditional_puts_is_refused(
    open_lake: Callable[..., Lake], proxy: Proxy
) -> None:
    proxy.fault = lambda request: Fault(without="If-None-Match")
    with pytest.raises(StorageError, match="conditional puts"):
        put(open_lake(proxy.url), ONE)
    assert open_lake().commits() == ()


def test_a_damaged_manifest_is_named(
    open_lake: Callable[..., Lake], s3: S3Server, bucket: str
) -> None:
    lake = open_lake()
    put(lake, ONE)
    key = "my lake/commits/00000001.json"
    found = json.loads(s3.client().get_object(Bucket=bucket, Key=key)["Body"].read())
    s3.client().put_object(Bucket=bucket, Key=key, Body=json.dumps(found | {"version": 99}))
    with pytest.raises(WarehouseError, match=r"00000001\.json cannot be read .*version 99"):
        lake.commits()
