"""Popularity by country: where tracks are played, told by the users' own plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from segue.features.from_marts import training_data
from segue.features.training_data import TrainingData
from segue.music.query import Query
from segue.recommenders.homelands import Homelands
from segue.recommenders.popular import Popular
from tests.tiny import NOW, days_ago, history, plays, tracks

IDS = [f"t{i}" for i in range(6)]
HEARD: dict[
    str, tuple[str | None, list[str]]
] = {  # user -> country, tracks; t0 and t5 are played everywhere
    "anna": ("SE", ["t0", "t1", "t2", "t5"]),
    "bert": ("SE", ["t0", "t1", "t2", "t5"]),
    "cleo": ("BR", ["t0", "t3", "t4", "t5"]),
    "dora": ("BR", ["t0", "t3", "t4", "t5"]),
    "enzo": ("BR", ["t3", "t4"]),
}


def _data(heard: dict[str, tuple[str | None, list[str]]]) -> TrainingData:
    table = pa.concat_tables(
        plays(((user, t, days_ago(n + 1)) for n, t in enumerate(played)), country=country)
        for user, (country, played) in heard.items()
    )
    return training_data(tracks({"track_id": t} for t in IDS), table, as_of=NOW)


def test_a_users_country_is_where_most_plays_come_from() -> None:
    here = plays([("anna", t, days_ago(2)) for t in IDS[:3]], country="SE")
    abroad = plays([("anna", "t4", days_ago(1))], country="BR")
    unknown = plays([("bert", t, days_ago(1)) for t in IDS])
    later = plays([("anna", t, days_ago(-1)) for t in IDS], country="BR")
    table = pa.concat_tables([here, abroad, unknown, later])
    data = training_data(tracks({"track_id": t} for t in IDS), table, as_of=NOW)
    assert data.countries == {"anna": "SE"}
    bare = table.drop_columns(["country"])
    assert training_data(data.catalogue.tracks, bare, as_of=NOW).countries == {}


def test_nearness_by_hand() -> None:
    found = Homelands.of(_data(HEARD))
    assert found is not None
    assert found.shares.tolist() == [0.6, 0.4]  # BR, SE
    sweden = found.mix(np.array([1, 2]), np.array([1.0, 2.0]))
    assert sweden.tolist() == [0.0, 1.0]
    # t0: 2 of 4 from Sweden, more than its share; t1: 2 of 2; t3: 0 of 3, with 3 for a prior
    near = found.nearness(np.array([0, 1, 3, 9]), sweden)
    assert near.tolist() == [1.0, 1.0, 3 / 6, 1.0]
    both = found.nearness(np.array([3]), np.array([0.5, 0.5]))
    assert both.tolist() == [0.75]


@pytest.mark.parametrize(
    "heard",
    [{"a": ("SE", IDS), "b": ("BR", IDS)}, {"a": ("SE", IDS), "b": ("SE", IDS), "c": ("SE", IDS)}],
)
def test_two_listeners_or_one_country_tell_nothing(
    heard: dict[str, tuple[str | None, list[str]]],
) -> None:
    assert Homelands.of(_data(heard)) is None


def test_what_is_popular_at_home_comes_first(tmp_path: Path) -> None:
    data = _data(HEARD)
    model = Popular().fit(data)
    anywhere = model.recommend(Query(None, NOW), 6).track_ids
    assert anywhere.index("t3") < anywhere.index("t2")  # three of five play it, two of five
    query = Query(None, NOW, mix="discover", history=history([("t1", days_ago(1))]))
    at_home = model.recommend(query, 6)
    assert at_home.track_ids.index("t2") < min(at_home.track_ids.index(t) for t in ("t3", "t4"))
    model.save(tmp_path)
    assert Popular.load(tmp_path, data.catalogue).recommend(query, 6) == at_home
