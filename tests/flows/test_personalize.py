"""Amazon Personalize, from published plays on S3 to a campaign that answers, on a stand-in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from segue.aws.clients import Aws
from segue.aws.personalize_live import PersonalizeEvents, PersonalizeRuntime, Told
from segue.aws.personalize_things import CAMPAIGN
from segue.errors import NotReadyError, ServiceError
from segue.fakes.clock import Clock
from segue.fakes.faults import Fault
from segue.fakes.personalize import FakePersonalize
from segue.flows.personalize.account import Account, open_account
from segue.flows.personalize.deploy import deploy, destroy
from segue.flows.personalize.learn import import_all, run_campaigns, train
from segue.progress import Silent
from segue.settings import Settings
from segue.warehouse.snapshots import Snapshot
from tests.listening_home import SONGS, at, history, play
from tests.s3_server import S3Server

ROLE = "arn:aws:iam::123456789012:role/segue-personalize"
NOW = at("2026-11-21 12:00")


class House:
    """An account on the stand-in, and a bucket that it can read."""

    def __init__(self, s3: S3Server, bucket: str, home: Path) -> None:
        self.s3, self.client, self.bucket, self.home = s3, s3.client(), bucket, home
        self.clock = Clock(NOW, running=False)
        self.fake = FakePersonalize(self._read, clock=self.clock, seconds=30).start()
        self.waited = 0.0
        self.aws = Aws("eu-west-1", self.fake.url)

    def _read(self, address: str) -> Sequence[bytes]:
        prefix = urlsplit(address).path.lstrip("/")
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        keys = [one["Key"] for one in found.get("Contents", ())]
        return [self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys]

    def _sleep(self, seconds: float) -> None:
        self.waited += seconds
        self.clock.advance(seconds=seconds)

    def account(self, **told: Any) -> Account:
        settings = Settings.model_validate(
            {
                "home": self.home,
                "personalize": {
                    "region": "eu-west-1",
                    "endpoint_url": self.fake.url,
                    "bucket": f"s3://{self.bucket}/personalize",
                    "role_arn": ROLE,
                    "solutions": ("for-you", "similar"),
                    **told,
                },
                "s3": {"endpoint_url": self.s3.url},
            }
        )
        return open_account(settings, sleep=self._sleep)

    def taught(self, snapshot: Snapshot) -> Account:
        account = self.account()
        deploy(account, Silent())
        import_all(account, snapshot, mode="auto", now=self.clock.now(), progress=Silent())
        train(account, Silent())
        run_campaigns(account, Silent())
        return account


@pytest.fixture
def house(s3: S3Server, bucket: str, tmp_path: Path) -> Iterator[House]:
    made = House(s3, bucket, tmp_path / "home")
    yield made
    made.fake.stop()


def crowd(folder: Path, users: int = 30, plays: int = 40, last: str = "2026-11-01") -> Snapshot:
    """Users who play the four songs in turn, a play an hour."""
    begin = at(f"{last} 00:00")
    tracks = list(SONGS)
    rows = []
    for user in range(users):
        for number in range(plays):
            when = (begin - timedelta(hours=number)).strftime("%Y-%m-%d %H:%M")
            track = tracks[(number + user) % len(tracks)]
            rows.append(play(when, track, user=f"u{user:02}", finished=number % 2 == 0))
    return history(folder, *rows)


def rows_of(house: House, kind: str) -> list[dict[str, str]]:
    holdings = next(iter(house.fake.control.holdings.values()))
    return holdings.imported[kind]


def test_from_published_plays_to_a_campaign_that_answers(house: House, tmp_path: Path) -> None:
    account = house.taught(crowd(tmp_path / "m"))
    assert [found.state for found in account.compare()] == ["there"] * len(account.wanted)
    arn = account.find(account.of(CAMPAIGN)[0])
    assert arn is not None
    found = PersonalizeRuntime(house.aws).for_user(arn.arn, "u00", 3)
    assert [item for item, _ in found] == ["t1", "t2", "t3"]
    assert house.waited > 0


def test_rows_are_what_personalize_asks_for(house: House, tmp_path: Path) -> None:
    house.taught(crowd(tmp_path / "m"))
    first = rows_of(house, "INTERACTIONS")[0]
    assert set(first) == {"USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"}
    kinds = {row["EVENT_TYPE"] for row in rows_of(house, "INTERACTIONS")}
    assert kinds == {"complete", "play"}
    items = {row["ITEM_ID"]: row for row in rows_of(house, "ITEMS")}
    assert items["t2"]["GENRES"] == "folk|pop"
    assert float(items["t2"]["ENERGY"]) == 0.4
    assert items["t4"]["GENRES"] == items["t4"]["ENERGY"] == ""
    users = rows_of(house, "USERS")
    assert len(users) == 30


def test_only_new_plays_are_sent_the_next_time(house: House, tmp_path: Path) -> None:
    account = house.taught(crowd(tmp_path / "m"))
    before = len(rows_of(house, "INTERACTIONS"))
    later = crowd(tmp_path / "n", plays=41, last="2026-11-02")  # 24 hours further, 17 old ones

    def bring(mode: Any = "auto") -> dict[str, tuple[str, int]]:
        done = import_all(account, later, mode=mode, now=house.clock.now(), progress=Silent())
        return {one.kind: (one.mode, one.rows) for one in done}

    assert bring()["Interactions"] == ("INCREMENTAL", 30 * 24)
    assert len(rows_of(house, "INTERACTIONS")) == before + 30 * 24
    assert bring()["Interactions"] == ("", 0)
    house.clock.advance(days=8)
    assert bring()["Interactions"] == ("FULL", 30 * 41)
    assert len(rows_of(house, "INTERACTIONS")) == 30 * 41


def test_what_may_not_be_learned_from_is_not_sent(house: House, tmp_path: Path) -> None:
    users, minutes = [f"u{number:02}" for number in range(30)], range(10, 50)
    mine = [play(f"2026-11-01 12:{minute}", user=u) for u in users for minute in minutes]
    theirs = [play("2026-11-01 13:00", user=u) | {"source": "spotify_api"} for u in users]
    not_me = [play("2026-11-01 14:00", user=u, not_me=True) for u in users]
    house.taught(history(tmp_path / "m", *mine, *theirs, *not_me))
    assert len(rows_of(house, "INTERACTIONS")) == len(mine)


def test_too_small_a_house_is_told_before_anything_is_imported(
    house: House, tmp_path: Path
) -> None:
    account = house.account()
    deploy(account, Silent())
    with pytest.raises(NotReadyError, match="120 plays, and 3 users with two or more"):
        import_all(account, crowd(tmp_path / "m", users=3), mode="auto", now=NOW, progress=Silent())
    assert not list(house.fake.resources.of("dataset-import-job"))


def test_a_run_that_was_broken_off_goes_on(house: House, tmp_path: Path) -> None:
    account = house.account()
    house.fake.faults.add(Fault(status=400, reason="InvalidInputException"), path="CreateDataset$")
    with pytest.raises(ServiceError, match="refuses to make the dataset segue-interactions"):
        deploy(account, Silent())
    deploy(account, Silent())
    assert {found.state for found in account.compare() if not found.wanted.bill} == {"there"}
    groups = [one for one in house.fake.log if one.route == "CreateDatasetGroup"]
    assert len(groups) == 1


def test_a_throttled_service_is_asked_again(house: House) -> None:
    house.fake.faults.add(Fault(status=400, reason="ThrottlingException"), times=2)
    deploy(house.account(), Silent())
    assert house.account().tracking_id()


def test_everything_is_taken_down(house: House, tmp_path: Path) -> None:
    account = house.taught(crowd(tmp_path / "m"))
    removed = destroy(account, Silent())
    assert ":campaign/" in removed[0]
    assert ":dataset-group/" in removed[-1]
    assert {found.state for found in account.compare()} == {"missing"}
    assert destroy(account, Silent()) == ()


def test_an_event_told_twice_is_the_same_event(house: House) -> None:
    account = house.account()
    deploy(account, Silent())
    told = Told("e1", "ann", "s1", "t1", "play", NOW, value=0.5)
    events = PersonalizeEvents(house.aws, account.tracking_id())
    events.put([told])
    events.put([told])
    assert {event["eventId"] for event in house.fake.events} == {"e1"}
    assert house.fake.events[0]["eventValue"] == 0.5
