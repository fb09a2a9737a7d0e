"""Amazon Personalize behind the recommenders' protocol, on a stand-in that answers and fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from segue.errors import ConfigError
from segue.evaluation.leaderboard import Leaderboard
from segue.fakes.faults import Fault
from segue.features.from_marts import training_data
from segue.flows.evaluate import evaluate
from segue.flows.make_models import make_models
from segue.flows.personalize.asking import to_ask
from segue.flows.personalize.deploy import deploy
from segue.flows.personalize.learn import import_all, run_campaigns, train
from segue.flows.personalize.seen import Seen, seen_by, settings_of
from segue.flows.recommend import recommend
from segue.flows.train import train as train_here
from segue.flows.wishes import Wishes
from segue.music.query import Filters, Query
from segue.progress import Silent
from segue.recommenders.bundle import BundleStore
from segue.recommenders.personalize import Personalize
from segue.warehouse.snapshots import Snapshot
from tests.flows.test_personalize import House
from tests.marts_folder import published
from tests.s3_server import S3Server
from tests.tiny import NOW, days_ago, mart, plays, tracks

ROCK, POP = ([f"{kind}{n:02}" for n in range(12)] for kind in ("rock", "pop"))
CUT = NOW - timedelta(days=28)


def heard() -> list[tuple[str, str, datetime]]:
    """Ten who play rock, twenty who play pop, and one who begins with rock and finds more of it."""
    found = []
    for user in range(30):
        own, shift = (ROCK, user) if user < 10 else (POP, user)
        name = f"{'rocker' if user < 10 else 'popper'}{user:02}"
        found += [
            (name, own[(day + shift) % 12], days_ago(30 + day + user / 100)) for day in range(40)
        ]
    found += [("me", ROCK[day % 4], days_ago(30 + day)) for day in range(120)]
    for week in range(4):
        found += [("me", ROCK[4 + 2 * week + n], days_ago(28 - 7 * week - 2 - n)) for n in range(2)]
        found += [("me", ROCK[n], days_ago(28 - 7 * week - 3 - n)) for n in range(4)]
    return [*found, ("me", ROCK[0], NOW)]


def marts(*, genres: bool = True) -> dict[str, pa.Table]:
    played = plays(sorted(heard(), key=lambda one: (one[0], one[2])))
    names = sorted({name for name, *_ in heard()})
    return {
        "tracks": tracks({"track_id": t, "genres": [t[:-2]] if genres else []} for t in ROCK + POP),
        "plays": played,
        "users": mart("users", [{"user_id": n, "last_played_at": NOW, "plays": 9} for n in names]),
    }


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return published(tmp_path / "snapshots", **marts())


@pytest.fixture
def house(s3: S3Server, bucket: str, tmp_path: Path) -> Iterator[House]:
    made = House(s3, bucket, tmp_path / "home")
    made.fake.resources.seconds = 0
    yield made
    made.fake.stop()


def campaigns(house: House, snapshot: Snapshot, until: datetime | None = None) -> dict[str, Any]:
    """Teach Personalize; the settings to ask it with."""
    account = house.account()
    deploy(account, Silent())
    import_all(
        account, snapshot, mode="auto", now=house.clock.now(), until=until, progress=Silent()
    )
    house.clock.advance(seconds=60)
    train(account, Silent())
    run_campaigns(account, Silent())
    return to_ask(account)


def fitted(settings: dict[str, Any], *, others: bool = True) -> Personalize:
    data = training_data(
        tracks=marts()["tracks"], plays=marts()["plays"], training_sources=None, as_of=CUT
    )
    model = Personalize(**settings).fit(data)
    parts = make_models(["popular"], seed=1, threads=1) if others else []
    return model.with_parts({one.name: one.fit(data) for one in parts})


def asked(user: str | None = "me", **more: Any) -> Query:
    return Query(user, CUT, **more)


def requests(house: House) -> int:
    return sum(one.route == "GetRecommendations" for one in house.fake.log)


def test_it_answers_with_what_the_campaign_recommends(house: House, snapshot: Snapshot) -> None:
    settings = campaigns(house, snapshot)
    assert set(settings) == {
        "campaign", "similar_campaign", "unheard_filter", "genres_filter", "region", "endpoint_url",
    }  # fmt: skip
    model = fitted(settings)
    found = model.recommend(asked("rocker03", mix="daily"), 12)
    assert set(found.track_ids) == set(ROCK)
    assert found.sources[0] == ("personalize",)
    assert (found.evidence[0][0].kind, found.evidence[0][0].service) == (
        "told",
        "Amazon Personalize",
    )
    assert list(found.scores) == sorted(found.scores, reverse=True)
    assert model.counts == {"answered": 1}
    near = model.recommend(asked(mix="similar", seeds=("pop03",)), 5)
    assert set(near.track_ids) < set(POP) - {"pop03"}
    assert {one[0].other_id for one in near.evidence} == {"pop03"}


def test_what_was_heard_or_is_excluded_does_not_come(house: House, snapshot: Snapshot) -> None:
    model = fitted(campaigns(house, snapshot, until=CUT))
    found = model.recommend(asked(mix="discover"), 30)
    assert not set(found.track_ids) & set(ROCK[:4])  # by the filter there: the query has no plays
    filters = Filters(exclude_tracks=frozenset({"rock09"}))
    assert "rock09" not in model.recommend(asked(mix="daily", filters=filters), 30).track_ids
    pop = model.recommend(asked(mix="daily", filters=Filters(genres=("pop",))), 30)
    assert set(pop.track_ids) <= set(POP)


def test_tracks_that_nobody_knows_here_are_left_out(house: House, snapshot: Snapshot) -> None:
    settings = campaigns(house, snapshot)
    (holdings,) = house.fake.control.holdings.values()
    for row in holdings.imported["INTERACTIONS"]:
        row["ITEM_ID"] = row["ITEM_ID"].replace("rock1", "gone1")
    found = fitted(settings).recommend(asked(mix="daily"), 30)
    assert set(found.track_ids) == set(ROCK[:10])


def test_a_user_it_does_not_know_gets_own_models(house: House, snapshot: Snapshot) -> None:
    model = fitted(campaigns(house, snapshot))
    for user in ("stranger", None):
        found = model.recommend(asked(user, mix="discover"), 5)
        assert found.sources == (("popular",),) * 5
    assert model.counts == {"unknown user": 1, "stranger": 1}


def test_throttled_it_falls_back_and_then_rests(
    house: House, snapshot: Snapshot, caplog: pytest.LogCaptureFixture
) -> None:
    model = fitted(campaigns(house, snapshot))
    house.fake.faults.add(
        Fault(status=400, reason="ThrottlingException"), path="GetRecommendations", times=50
    )
    before = requests(house)
    with caplog.at_level(logging.INFO, "segue.recommenders.personalize"):
        for _ in range(20):
            assert model.recommend(asked("rocker03"), 5).sources[0] == ("popular",)
    assert requests(house) - before == 3
    assert model.counts == {"failed": 3, "resting": 17}
    assert "Segue's own models answer for 30 s" in caplog.text
    assert "rocker03" not in caplog.text


def test_after_a_rest_one_question_finds_out(house: House, snapshot: Snapshot) -> None:
    model = fitted({**campaigns(house, snapshot), "rest_seconds": 0.01})
    house.fake.faults.add(
        Fault(status=500, reason="InternalServerException"), path="GetRecommendations", times=3
    )
    while not model.counts["answered"]:
        model.recommend(asked(mix="daily"), 5)
    assert model.counts["failed"] == 3


def test_a_slow_campaign_does_not_slow_answers(house: House, snapshot: Snapshot) -> None:
    model = fitted({**campaigns(house, snapshot), "timeout_seconds": 0.05})
    house.fake.faults.add(Fault(seconds=0.4), path="GetRecommendations", times=3)
    assert model.recommend(asked(mix="daily"), 5).sources[0] == ("popular",)
    assert model.counts == {"failed": 1}


def test_a_campaign_that_is_gone_is_left_alone_at_once(house: House, snapshot: Snapshot) -> None:
    settings = campaigns(house, snapshot)
    model = fitted({**settings, "campaign": settings["campaign"] + "-gone"})
    for _ in range(3):
        assert len(model.recommend(asked(mix="daily"), 5)) == 5
    assert model.counts == {"failed": 1, "resting": 2}


def test_asking_deeper_asks_once(house: House, snapshot: Snapshot) -> None:
    model = fitted(campaigns(house, snapshot))
    query, before = asked(mix="daily"), requests(house)
    sizes = [len(model.recommend(query, k)) for k in (2, 5, 500)]
    assert sizes == [2, 5, 12]
    assert requests(house) - before == 2  # and once who is a stranger


def test_without_a_campaign_it_is_not_there(snapshot: Snapshot) -> None:
    assert "personalize" not in {one.name for one in make_models(seed=1, threads=1)}
    (model,) = make_models(["personalize"], seed=1, threads=1)
    assert isinstance(model, Personalize)
    assert "no campaign is named" in (model.silent_because() or "")


def test_playlists_ask_it_first_and_own_models_stand_in(
    house: House, snapshot: Snapshot, tmp_path: Path
) -> None:
    settings = campaigns(house, snapshot, until=CUT)
    bundles = BundleStore(tmp_path / "models")
    train_here(
        snapshot=snapshot,
        bundles=bundles,
        training_sources=["spotify_export"],
        seed=1,
        threads=1,
        models={"personalize": settings},
        left_out=("track2vec", "next_track", "bpr", "crowd_blend", "item_knn", "rp3beta"),
        progress=Silent(),
        now=CUT,
    )

    def sources(size: int, **more: Any) -> set[tuple[str, ...]]:
        """Of a playlist that is made anew: the bundle is read again."""
        wishes = Wishes(size=size, per_artist=12, **more)
        bundle = bundles.current()
        made = recommend(bundle=bundle, snapshot=snapshot, user_id="me", wishes=wishes, now=CUT)
        assert len(made.tracks) == size
        return {one.sources for one in made.tracks}

    assert sources(3, mix="discover") == {("personalize",)}
    assert sources(3, mix="similar", seeds=("rock00",), adventurous=0.9) == {("personalize",)}
    few = sources(15, mix="discover")  # eight are rock, the rest own models'
    assert ("personalize",) in few and len(few) > 1
    house.fake.faults.add(
        Fault(status=400, reason="ThrottlingException"), path="GetRecommendations", times=50
    )
    assert not any("personalize" in one for one in sources(3, mix="discover"))


def board(snapshot: Snapshot, settings: dict[str, Any], **more: Any) -> Leaderboard:
    return evaluate(
        snapshot,
        users=["me"],
        ks=(5,),
        seed=17,
        threads=1,
        models={"personalize": settings},
        left_out=("track2vec", "next_track", "bpr", "crowd_blend", "hybrid", "item_knn"),
        progress=Silent(),
        **more,
    )


def test_it_is_compared_on_the_same_held_out_weeks(house: House, tmp_path: Path) -> None:
    snapshot = published(tmp_path / "plain", **marts(genres=False))
    settings = campaigns(house, snapshot, until=CUT)
    sent = next(iter(house.fake.control.holdings.values())).imported["INTERACTIONS"]
    assert max(int(row["TIMESTAMP"]) for row in sent) < CUT.timestamp()
    seen = seen_by(house.account(), settings_of(settings))
    assert seen == Seen(CUT)
    found = board(snapshot, settings, elsewhere={"personalize": seen})
    ours = found.row("personalize", "discoveries", 5).metrics["recall"].value
    popular = found.row("popular", "discoveries", 5).metrics["recall"].value
    assert (ours, popular) == (1.0, 0.0)
    assert "the campaign answered 24 questions" in "\n".join(found.notes)


def test_a_campaign_that_has_seen_the_held_out_weeks_is_not_compared(
    house: House, snapshot: Snapshot
) -> None:
    settings = campaigns(house, snapshot)
    seen = seen_by(house.account(), settings_of(settings))
    found = board(snapshot, settings, elsewhere={"personalize": seen})
    assert "personalize" not in {row.model for row in found.rows}
    assert "it has seen plays up to" in "\n".join(found.notes)
    assert f"--until {CUT.isoformat()}" in "\n".join(found.notes)
    assert not requests(house)
    with pytest.raises(ConfigError, match="it has seen plays up to"):
        board(snapshot, settings, elsewhere={"personalize": seen}, shown=["personalize"])
    with pytest.raises(ConfigError, match="nobody knows"):
        board(snapshot, settings, shown=["personalize"])
    live = house.account(told_since="2026-01-01")
    assert "an event tracker is in use" in seen_by(live, settings_of(settings)).why
    gone = seen_by(house.account(), {"campaign": settings["campaign"] + "-gone"})
    assert gone.until is None


def test_users_and_tracks_are_what_they_were_at_the_moment(
    house: House, snapshot: Snapshot
) -> None:
    campaigns(house, snapshot, until=CUT)
    (holdings,) = house.fake.control.holdings.values()
    users = {row["USER_ID"]: row for row in holdings.imported["USERS"]}
    before = [one for one in heard() if one[0] == "me" and one[2] < CUT]
    assert users["me"]["PLAYS"] == str(len(before))
    assert users["me"]["GENRES"] == "rock"
