"""Daily data sets for Personalize: raw events, profiles and a catalogue on moto's server."""

from __future__ import annotations

import io
import json
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.aws.clients import Aws
from segue.aws.personalize_things import DATASET, IMPORT
from segue.aws.profile_table import ItemOfEvent, ProfileTable
from segue.doors.aws import datasets
from segue.errors import NotReadyError, ServiceError, StorageError
from segue.events.admission import admitted
from segue.events.profiles import Profile, taken
from segue.fakes.clock import Clock
from segue.fakes.faults import Fault as ServiceFault
from segue.fakes.personalize import FakePersonalize
from segue.flows.personalize.account import Account, open_account
from segue.flows.personalize.daily.build import Step, go_on
from segue.flows.personalize.daily.places import Work, open_places
from segue.flows.personalize.deploy import deploy
from segue.music.event import Event
from segue.progress import Silent
from segue.settings import load_settings
from tests.s3_server import FORBIDDEN, Fault, Proxy, Request, S3Server, keys

NOW = datetime.now(tz=UTC).replace(microsecond=0)
TODAY, YESTERDAY = NOW.date(), NOW.date() - timedelta(days=1)


class Cloud:
    """Buckets, a table, and a Personalize that reads there."""

    def __init__(self, s3: S3Server, bucket: str) -> None:
        self.s3, self.bucket, self.table = s3.client(), bucket, f"profiles-{uuid.uuid4().hex[:8]}"
        self.clock = Clock(NOW, running=False)
        self.fake = FakePersonalize(self._read, clock=self.clock, seconds=0).start()
        self.aws = Aws("us-east-1", s3.url)
        names = ("user_id", "sk")
        self.aws.client("dynamodb").create_table(
            TableName=self.table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": name, "KeyType": kind}
                for name, kind in zip(names, ("HASH", "RANGE"), strict=True)
            ],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
        )

    def environment(self, s3: S3Server) -> dict[str, str]:
        told = {
            "REGION": "us-east-1",
            "ENDPOINT_URL": self.fake.url,
            "BUCKET": f"s3://{self.bucket}/sets",
            "ROLE_ARN": "arn:aws:iam::123456789012:role/segue-personalize",
            "EVENTS": f"s3://{self.bucket}/events",
            "LEDGER": f"s3://{self.bucket}/datasets",
            "CATALOGUE": f"s3://{self.bucket}/catalogue",
            "PROFILES": self.table,
        }
        return {
            **keys(),
            "AWS_ENDPOINT_URL": s3.url,
            "AWS_REGION": "us-east-1",
            "SEGUE_HOME": "/nonexistent",
            **{f"SEGUE_PERSONALIZE__{name}": value for name, value in told.items()},
        }

    def account(self, **told: Any) -> Account:
        settings = load_settings()
        personalize = settings.personalize.model_copy(update=told)
        return open_account(
            settings.model_copy(update={"personalize": personalize}), sleep=self._sleep
        )

    def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)

    def _read(self, address: str) -> Sequence[bytes]:
        prefix = urlsplit(address).path.lstrip("/")
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [self.get(one["Key"]) for one in found.get("Contents", ())]

    def get(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def put(self, key: str, body: bytes, **more: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more)

    def events(self, rows: list[dict[str, Any]], day: Any = TODAY, name: str = "a") -> None:
        """A file as Firehose writes it."""
        self.put(f"events/day={day}/{name}.parquet", parquet(rows))

    def catalogue(self, rows: list[dict[str, Any]]) -> None:
        self.put("catalogue/tracks.parquet", parquet(rows))

    def profile(self, *rows: dict[str, Any]) -> None:
        """As the profiles function keeps it."""
        table = ProfileTable(self.aws, self.table, keep=timedelta(days=30), sleep=self._sleep)
        events = [one for row in rows if isinstance(one := admitted(row, NOW), Event)]
        items = [ItemOfEvent(one.event_id, one.timestamp, "{}") for one in events]
        table.take(rows[0]["user_id"], items, lambda *_: taken(Profile(), events).to_bytes(), NOW)

    def run(self, *, whole: bool = False, seconds: float = 1e9, **told: Any) -> dict[str, Any]:
        """A run, to its end."""
        steps: list[Step] = []
        account = self.account(**told)
        places = open_places(account.settings, sleep=self._sleep)
        while not steps or steps[-1].state != "done":
            assert len(steps) < 50
            work = Work(account, places, self.clock.now(), lambda: seconds, Silent())
            again = whole and not steps
            steps.append(go_on(work, whole=again, run_id=steps[-1].run if steps else ""))
            self.clock.advance(seconds=steps[-1].wait_seconds)
        found = steps[-1].account
        assert found is not None
        rejected = sum(found["rejected"].values())
        assert found["read"] == found["kept"] + found["duplicate"] + rejected
        return found

    def rows(self, kind: str) -> list[dict[str, str]]:
        (holdings,) = self.fake.control.holdings.values()
        return holdings.imported[kind]

    def modes(self) -> Counter[tuple[str, str]]:
        jobs = self.fake.resources.of("dataset-import-job")
        return Counter(
            (one.told["datasetArn"].rpartition("/")[2], one.told["importMode"]) for one in jobs
        )


def parquet(rows: list[dict[str, Any]]) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), target)
    return target.getvalue()


def event(number: int, user: str = "ann", kind: str = "complete", **more: Any) -> dict[str, Any]:
    at = NOW - timedelta(hours=2) + timedelta(seconds=number)
    return {
        "event_id": f"e{number}",
        "user_id": user,
        "track_id": f"t{number % 5}",
        "event_type": kind,
        "timestamp": at.isoformat(),
        "ms_played": 100_000,
        "source": None,
        **more,
    }


def track(number: int, *genres: str) -> dict[str, Any]:
    return {
        "track_id": f"t{number}",
        "title": f"Song {number}",
        "artist": "Ann | Bob",
        "duration_ms": 200_000,
        "spotify_uri": f"spotify:track:{number}",
        "genres": list(genres),
    }


def cloud_of(s3: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A cloud that nobody has used, and that this process finds."""
    for name, value in keys().items():
        monkeypatch.setenv(name, value)
    made = Cloud(s3, bucket)
    for name, value in made.environment(s3).items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def cloud(s3: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    made = cloud_of(s3, bucket, monkeypatch)
    made.catalogue([track(0, "pop"), track(1, "folk", "pop")])
    deploy(made.account(), Silent())
    yield made
    made.fake.stop()


def test_events_profiles_and_tracks_become_the_three_data_sets(cloud: Cloud) -> None:
    rows = [event(n, user=f"u{n % 3}") for n in range(10)]
    rows += [event(10, kind="skip", track_id="spotify:track:1"), event(11, track_id="stranger")]
    cloud.events(rows)
    cloud.profile(event(1, track_id="t1"), event(2, track_id="t0"), event(3, track_id="t0"))
    told = cloud.run()
    assert (told["read"], told["kept"], told["users"], told["items"]) == (12, 12, 4, 2)
    found = {row["TIMESTAMP"]: row for row in cloud.rows("INTERACTIONS")}
    skip = found[str(int(datetime.fromisoformat(rows[10]["timestamp"]).timestamp()))]
    assert skip == {**skip, "USER_ID": "ann", "ITEM_ID": "t1", "EVENT_TYPE": "skip"}
    assert skip["EVENT_VALUE"] == "0.5"
    assert {row["ITEM_ID"] for row in found.values()} == {"t0", "t1", "t2", "t3", "t4", "stranger"}
    users = {row["USER_ID"]: row for row in cloud.rows("USERS")}
    assert users["ann"] == {"USER_ID": "ann", "COUNTRY": "", "GENRES": "pop|folk", "PLAYS": "3"}
    assert users["u1"]["PLAYS"] == ""
    assert told["users_without_profile"] == 3
    items = {row["ITEM_ID"]: row for row in cloud.rows("ITEMS")}
    assert (items["t1"]["GENRES"], items["t1"]["ARTIST"]) == ("folk|pop", "Ann   Bob")


def test_every_row_is_accounted_for(cloud: Cloud) -> None:
    good = [event(n) for n in range(4)]
    long_ago = (NOW - timedelta(days=4_000)).isoformat()
    bad = [
        event(20, track_id=None),
        event(21, user=""),
        event(22, user="u" * 257),
        event(23, timestamp="yesterday"),
        event(24, timestamp=(NOW + timedelta(days=1)).isoformat()),
        event(25, timestamp=long_ago),
        event(26, kind="pause"),
        event(27, source="spotify_api"),
    ]
    cloud.events([*good, good[0], *bad])
    cloud.events([good[1], event(1, user="bob")], name="b")
    cloud.put(f"events/day={TODAY}/broken.parquet", b"no Parquet")
    cloud.put(f"events/day={TODAY}/_marker", b"x")
    cloud.put(f"events/day={TODAY}/old.parquet", parquet(good), StorageClass="GLACIER")
    told = cloud.run()
    assert (told["read"], told["kept"], told["duplicate"]) == (15, 5, 2)
    assert told["rejected"] == {
        "missing": 2, "too_long": 1, "bad_timestamp": 1, "in_the_future": 1,
        "too_old": 1, "no_interaction": 1, "source": 1,
    }  # fmt: skip
    assert told["unreadable"] == [f"day={TODAY}/broken.parquet"]
    assert told["frozen"] == 1
    assert len(cloud.rows("INTERACTIONS")) == 5


def test_the_next_day_brings_only_what_is_new(cloud: Cloud) -> None:
    cloud.events([event(n) for n in range(6)], YESTERDAY)
    assert cloud.run()["kept"] == 6
    cloud.events([event(n) for n in range(4, 9)], YESTERDAY, "late")
    cloud.events([event(8), event(9)])
    told = cloud.run()
    assert (told["read"], told["kept"], told["duplicate"]) == (7, 4, 3)
    assert len(cloud.rows("INTERACTIONS")) == 10
    told = cloud.run()
    assert (told["read"], told["files"], told["jobs"]) == (0, 0, {})
    assert cloud.modes() == {
        ("INTERACTIONS", "FULL"): 1, ("INTERACTIONS", "INCREMENTAL"): 1,
        ("USERS", "FULL"): 1, ("USERS", "INCREMENTAL"): 1, ("ITEMS", "FULL"): 1,
    }  # fmt: skip


@pytest.mark.parametrize("place", ["snapshots", "home", "one/tracks.parquet"])
def test_the_catalogue_may_lie_in_a_snapshot(
    cloud: Cloud, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, old = parquet([track(7)]), parquet([track(8)])
    for name, body in (("new/tracks.parquet", new), ("old/tracks.parquet", old)):
        cloud.put(f"snapshots/{name}", body)
    cloud.put("snapshots/new/tracks_of_users.parquet", old)
    cloud.put("snapshots/current", b"new\n")
    cloud.put("one/tracks.parquet", new)
    kept = {"snapshots/current": b"new\n", "snapshots/new/tracks/0000.parquet": new}
    for number, body in enumerate(kept.values()):
        cloud.put(f"home/files/{number}", body)
    files = {
        name: {"key": f"files/{number}", "size": 1, "hash": "h"} for number, name in enumerate(kept)
    }
    cloud.put("home/head.json", json.dumps({"format": 1, "lease": None, "files": files}).encode())
    monkeypatch.setenv("SEGUE_PERSONALIZE__CATALOGUE", f"s3://{cloud.bucket}/{place}")
    assert cloud.run()["items"] == 1
    assert [row["ITEM_ID"] for row in cloud.rows("ITEMS")] == ["t7"]
    assert cloud.run()["items"] == 0


def test_what_personalize_was_told_live_is_not_imported_as_well(cloud: Cloud) -> None:
    cloud.events([event(n) for n in range(6)], YESTERDAY)
    cloud.events([event(n) for n in range(6, 9)])
    told = cloud.run(told_since=TODAY)
    assert (told["kept"], told["rejected"]) == (6, {"told_live": 3})
    assert told["users"] == 1


def test_everything_anew_replaces_what_was_imported(cloud: Cloud) -> None:
    cloud.events([event(n) for n in range(6)])
    cloud.run()
    cloud.events([event(7)], name="b")
    told = cloud.run(whole=True)
    assert (told["read"], told["kept"], told["whole"]) == (7, 7, True)
    assert len(cloud.rows("INTERACTIONS")) == 7
    cloud.events([event(3), event(8)], name="c")
    assert cloud.run()["kept"] == 1


def test_an_import_of_everything_by_hand_is_followed_by_all_events(cloud: Cloud) -> None:
    cloud.events([event(n) for n in range(6)])
    cloud.run()
    cloud.clock.advance(seconds=3_600)
    account = cloud.account()
    dataset = account.find(account.of(DATASET)[0])
    assert dataset is not None
    cloud.put("byhand/a.csv", b"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\nx,t1,1,play,\n")
    arn = account.things.make(
        IMPORT, "segue-interactions-full-5", datasetArn=dataset.arn, importMode="FULL",
        dataSource={"dataLocation": f"s3://{cloud.bucket}/byhand/"},
        roleArn=account.settings.personalize.role_arn,
    )  # fmt: skip
    account.things.wait(IMPORT, arn)
    assert len(cloud.rows("INTERACTIONS")) == 1
    cloud.clock.advance(seconds=3_600)
    assert cloud.run()["kept"] == 6
    assert len(cloud.rows("INTERACTIONS")) == 7


def test_a_run_that_dies_at_any_moment_loses_and_doubles_nothing(
    cloud: Cloud, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (YESTERDAY, TODAY):
        cloud.events([event(n, user=f"u{n}") for n in range(40)], day)
    monkeypatch.setenv("SEGUE_S3__ENDPOINT_URL", proxy.url)
    written = [0, 0]  # so far, and before it ends

    def fault(request: Request) -> Fault | None:
        written[0] += request.method == "PUT"
        return FORBIDDEN if written[0] > written[1] else None

    proxy.fault = fault
    told = None
    while told is None:
        written[:] = 0, written[1] + 2  # it goes on for longer each time
        try:
            told = cloud.run()
        except StorageError:
            cloud.clock.advance(seconds=3_600)
    assert written[1] >= 10
    assert (told["read"], told["kept"], told["duplicate"]) == (80, 40, 40)
    assert len(cloud.rows("INTERACTIONS")) == 40


def test_little_time_means_more_steps_and_the_same_sets(cloud: Cloud) -> None:
    for number in range(4):
        day = TODAY - timedelta(days=number)
        cloud.events([event(n + 10 * number) for n in range(10)], day)
    told = cloud.run(seconds=1.0)
    assert (told["kept"], told["users"]) == (40, 1)


def test_a_failed_import_says_why_and_is_made_again(cloud: Cloud) -> None:
    cloud.events([event(n) for n in range(6)])
    real, cloud.fake.control.read = cloud.fake.control.read, lambda address: ()
    with pytest.raises(ServiceError, match="No files found at the data location"):
        cloud.run()
    cloud.fake.control.read = real
    assert cloud.run()["kept"] == 6
    assert len(cloud.rows("INTERACTIONS")) == 6


def test_a_throttled_personalize_is_asked_again(cloud: Cloud) -> None:
    cloud.events([event(n) for n in range(6)])
    cloud.fake.faults.add(ServiceFault(status=400, reason="ThrottlingException"), times=2)
    assert cloud.run()["kept"] == 6


def test_a_ledger_that_is_gone_is_not_taken_for_a_first_run(cloud: Cloud) -> None:
    cloud.events([event(n) for n in range(6)])
    cloud.run()
    cloud.s3.delete_object(Bucket=cloud.bucket, Key="datasets/state.json")
    with pytest.raises(NotReadyError, match="would be imported twice"):
        cloud.run()
    assert cloud.run(whole=True)["kept"] == 6
    assert len(cloud.rows("INTERACTIONS")) == 6


class Context:
    """What Lambda hands over."""

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def test_the_function_is_invoked_until_it_is_done(cloud: Cloud) -> None:
    cloud.fake.resources.seconds = 30
    cloud.events([event(n) for n in range(6)])
    told: dict[str, Any] = {}
    states = []
    while told.get("state") != "done":
        told = json.loads(json.dumps(datasets.handler(told, Context())))
        states.append(told["state"])
        cloud.clock.advance(seconds=told["wait_seconds"])
    assert set(states) == {"waiting", "done"}
    assert told["account"]["kept"] == 6
    assert {row["EVENT_TYPE"] for row in cloud.rows("INTERACTIONS")} == {"complete"}


def test_two_at_once_do_not_work_on_the_same_run(cloud: Cloud) -> None:
    cloud.events([event(n) for n in range(6)])
    until = {"until": (NOW + timedelta(minutes=5)).timestamp(), "owner": "another"}
    cloud.put("datasets/lease.json", json.dumps(until).encode())
    account = cloud.account()
    places = open_places(account.settings, sleep=lambda _: None)
    step = go_on(Work(account, places, NOW, lambda: 900.0, Silent()), whole=True)
    assert (step.state, step.whole) == ("waiting", True)
    cloud.clock.advance(seconds=360)
    assert cloud.run()["kept"] == 6
