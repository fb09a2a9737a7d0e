"""A home in temporary storage: nothing is lost or done twice, whatever cuts an invocation off."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from segue.aws.clients import Aws
from segue.errors import BusyError, ConfigError, WarehouseError
from segue.flows.aws.kept_home import KeptHome
from tests.s3_server import Fault, Proxy, S3Server

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=1)
ROOT = Path(__file__).parents[2]


def kept_home(url: str, bucket: str, folder: Path) -> KeptHome:
    return KeptHome(Aws("us-east-1", url), f"s3://{bucket}/home", folder)


def put(home: Path, name: str, text: str) -> Path:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_must_outlive_an_invocation_does_and_nothing_else(
    s3: S3Server, bucket: str, tmp_path: Path
) -> None:
    first = kept_home(s3.url, bucket, tmp_path / "a")
    kept = {
        "services/services.sqlite": "requests",
        "update/update.sqlite": "deeds",
        "playlists/u-ann/published/spotify=p1.json": "{}",
        "playlists/u-ann/due/p1.json": "{}",
        "snapshots/current": "new\n",
        "snapshots/new/plays.parquet": "plays",
        "models/current": "b2",
        "models/b2/als/factors.npy": "numbers",
        "warehouse/segue.duckdb": "tables",
        "warehouse/dbt/changes.json": "{}",
    }
    passing = (
        "snapshots/old/plays.parquet",
        "snapshots/lock",
        "models/b1/als/factors.npy",
        "warehouse/dbt/target/manifest.json",
        "playlists/u-ann/published/.spotify.lock",
        "services/services.sqlite-shm",
        "cache/lake-1/files/x.parquet",
        "lock",
    )
    with first.opened(now=NOW, until=SOON):
        for name, text in kept.items():
            put(first.home, name, text)
        for name in passing:
            put(first.home, name, "passing")
    s3.client().put_object(Bucket=bucket, Key="home/given/segue.toml", Body=b"size = 5")
    second = kept_home(s3.url, bucket, tmp_path / "b")
    with second.opened(now=NOW, until=SOON):
        there = {
            path.relative_to(second.home).as_posix(): path.read_text()
            for path in second.home.rglob("*")
            if path.is_file()
        }
        assert there == kept | {"segue.toml": "size = 5"}
        assert (second.home / "services/services.sqlite").stat().st_mode & 0o777 == 0o600
        (second.home / "playlists/u-ann/due/p1.json").unlink()
    with first.opened(now=NOW, until=SOON):
        assert not (first.home / "playlists/u-ann/due/p1.json").exists(), "warm, but not its own"
        assert (first.home / "cache/lake-1/files/x.parquet").exists()


def test_only_what_has_changed_is_sent_and_fetched(
    proxy: Proxy, bucket: str, tmp_path: Path
) -> None:
    kept = kept_home(proxy.url, bucket, tmp_path / "a")
    with kept.opened(now=NOW, until=SOON):
        put(kept.home, "warehouse/segue.duckdb", "large")
        put(kept.home, "update/update.sqlite", "one")
    proxy.seen.clear()
    with kept.opened(now=NOW, until=SOON):
        put(kept.home, "warehouse/segue.duckdb", "large")  # written again, the same
        put(kept.home, "update/update.sqlite", "two")
    puts = [one for one in proxy.seen if one.method == "PUT" and "/files/" in one.path]
    gets = [one for one in proxy.seen if one.method == "GET" and "/files/" in one.path]
    assert (len(puts), len(gets)) == (1, 0)


@pytest.mark.parametrize("when", ["never", "save"])
def test_an_invocation_that_is_killed(s3: S3Server, bucket: str, tmp_path: Path, when: str) -> None:
    address, home = f"s3://{bucket}/home", tmp_path / "a"
    worker = [sys.executable, "-m", "tests.flows.kept_home_worker", address, str(home), "3600"]
    environment = s3.environment(AWS_ENDPOINT_URL=s3.url, PYTHONPATH=f"{ROOT / 'src'}")
    done = subprocess.run([*worker, when], cwd=ROOT, env=environment, timeout=60)
    assert done.returncode == 9
    now = datetime.now(tz=UTC)
    kept = KeptHome(Aws("us-east-1", s3.url), address, home)
    with (
        pytest.raises(BusyError, match="another invocation is at work"),
        kept.opened(now=now, until=now),
    ):
        pass
    later = now + timedelta(hours=2)
    with kept.opened(now=later, until=later):
        note = home / "playlists" / "note"
        assert (note.read_text() if note.exists() else None) == (
            "saved" if when == "save" else None
        )


def test_who_took_longer_than_they_may_changes_nothing_any_more(
    s3: S3Server, bucket: str, tmp_path: Path
) -> None:
    slow, next_one = (kept_home(s3.url, bucket, tmp_path / name) for name in "ab")
    with pytest.raises(BusyError, match="nothing was kept"), slow.opened(now=NOW, until=SOON):
        put(slow.home, "playlists/note", "slow")
        with next_one.opened(now=SOON, until=SOON + timedelta(minutes=1)):
            put(next_one.home, "playlists/note", "next")
    with slow.opened(now=SOON, until=SOON):
        assert (slow.home / "playlists/note").read_text() == "next"


def test_an_answer_that_was_lost(proxy: Proxy, bucket: str, tmp_path: Path) -> None:
    kept = kept_home(proxy.url, bucket, tmp_path / "a")
    lost = iter([True])
    proxy.fault = lambda one: (
        Fault(after=True)
        if one.method == "PUT" and "head.json" in one.path and next(lost, 0)
        else None
    )
    with kept.opened(now=NOW, until=SOON):
        put(kept.home, "playlists/note", "kept")
    proxy.fault = lambda one: None
    again = kept_home(proxy.url, bucket, tmp_path / "b")
    with again.opened(now=NOW, until=SOON):
        assert (again.home / "playlists/note").read_text() == "kept"


def test_an_s3_that_is_out_of_order_leaves_what_was_there(
    proxy: Proxy, bucket: str, tmp_path: Path
) -> None:
    kept = kept_home(proxy.url, bucket, tmp_path / "a")
    with kept.opened(now=NOW, until=SOON):
        put(kept.home, "playlists/note", "first")
    proxy.fault = lambda one: (
        Fault(status=403, code="AccessDenied") if "/files/" in one.path else None
    )
    with pytest.raises(Exception, match="refuses to write"), kept.opened(now=NOW, until=SOON):
        put(kept.home, "playlists/note", "second")
    proxy.fault = lambda one: None
    with kept.opened(now=NOW, until=SOON):
        assert (kept.home / "playlists/note").read_text() == "first"


def test_what_is_damaged_or_newer_is_said(s3: S3Server, bucket: str, tmp_path: Path) -> None:
    kept, client = kept_home(s3.url, bucket, tmp_path / "a"), s3.client()
    with kept.opened(now=NOW, until=SOON):
        put(kept.home, "playlists/note", "first")
    (name,) = [key for key in s3.names(bucket) if "/files/" in key]
    client.put_object(Bucket=bucket, Key=name, Body=b"fixed")
    other = kept_home(s3.url, bucket, tmp_path / "b")
    with (
        pytest.raises(WarehouseError, match="not as it was written"),
        other.opened(now=NOW, until=SOON),
    ):
        pass
    for body, error, words in (
        (b'{"format": 2}', ConfigError, "newer Segue"),
        (b"[]", WarehouseError, "is damaged"),
    ):
        client.put_object(Bucket=bucket, Key="home/head.json", Body=body)
        with pytest.raises(error, match=words), kept.opened(now=NOW, until=SOON):
            pass
    client.put_object(Bucket=bucket, Key="home/given/../segue.toml", Body=b"")
    client.delete_object(Bucket=bucket, Key="home/head.json")
    with pytest.raises(ConfigError, match="no name of a file"), kept.opened(now=NOW, until=SOON):
        pass


def test_files_that_nothing_names_go_after_a_day(s3: S3Server, bucket: str, tmp_path: Path) -> None:
    kept = kept_home(s3.url, bucket, tmp_path / "a")
    for text in ("first", "second"):
        with kept.opened(now=NOW, until=SOON):
            put(kept.home, "playlists/note", text)
    assert sum("/files/" in key for key in s3.names(bucket)) == 2
    later = datetime.now(tz=UTC) + timedelta(days=2)
    with kept.opened(now=later, until=later):
        pass
    assert sum("/files/" in key for key in s3.names(bucket)) == 1
    with kept_home(s3.url, bucket, tmp_path / "b").opened(now=later, until=later):
        assert (tmp_path / "b" / "playlists" / "note").read_text() == "second"
