"""Data sets in memory: what is in the files, however they are written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from segue.errors import ConfigError, SourceError
from segue.features.listens import Listens, training_part
from segue.flows.read_data_set import read_data_set
from segue.progress import Silent

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _read(name: str, path: Path, **more: object) -> Listens:
    return read_data_set(name, path, now=NOW, progress=Silent(), **more)  # type: ignore[arg-type]  # options of it


def _rows(data: Listens) -> list[tuple[str, str, float]]:
    """(listener, item, plays) with the names of the file."""
    ids = data.catalogue.track_ids
    return [
        (
            str(data.listener_ids[listener]).rpartition(":")[2],
            str(ids[track]).rpartition(":")[2],
            float(plays),
        )
        for listener, track, plays in zip(data.listeners, data.tracks, data.plays, strict=True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "user_id:token\titem_id:token\trating:float\nu1\ta\t2\nu1\tb\t1\nu2\ta\t5\n",
        "user,item,plays\nu1,a,2\nu1,b,1\nu2,a,5\n",
        "u1\ta\t2\nu1\tb\t1\nu2\ta\t5\n",
        "u1,a,2\nu1,b,1\nu2,a,5\n",
        "u1 a 2\nu1 b 1\nu2 a 5\n",
    ],
    ids=["recbole", "named", "tabs", "commas", "blanks"],
)
def test_a_table_of_user_item_and_count(text: str, tmp_path: Path) -> None:
    (tmp_path / "data.inter").write_text(text)
    found = _read("table", tmp_path / "data.inter")
    assert _rows(found) == [("u1", "a", 2.0), ("u1", "b", 1.0), ("u2", "a", 5.0)]
    assert not found.is_dated


def test_times_are_read(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("user_id,item_id,timestamp\nu1,a,1600000000\n")
    found = _read("table", tmp_path / "data.csv")
    assert found.is_dated
    assert found.at.tolist() == [1600000000.0]


def test_lines_of_a_user_and_their_items(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("0 10 11 12\n1 10\n2 11 13\n")
    (tmp_path / "test.txt").write_text("0 13\n1 12 11\n2\n")
    found = _read("split-files", tmp_path)
    assert _rows(found)[:4] == [("0", "10", 1), ("0", "11", 1), ("0", "12", 1), ("1", "10", 1)]
    assert found.part.tolist() == [0] * 6 + [2] * 3
    assert [row[:2] for row in _rows(found)][6:] == [("0", "13"), ("1", "12"), ("1", "11")]


def test_recbole_files_in_three_parts(tmp_path: Path) -> None:
    for part, rows in {"train": "u1\ta\nu2\tb\n", "valid": "u1\tb\n", "test": "u2\ta\n"}.items():
        (tmp_path / f"lastfm.{part}.inter").write_text(f"user_id:token\titem_id:token\n{rows}")
    found = _read("split-files", tmp_path)
    assert found.part.tolist() == [0, 0, 1, 2]
    assert found.n_listeners == 2


def test_sessions_and_a_file_of_held_out_ones(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("1 2\n3 4 1\n")
    (tmp_path / "held.txt").write_text("2 1\n")
    alone = _read("nowplaying", tmp_path / "train.txt")
    assert alone.runs.tolist() == [0, 0, 1, 1, 1]
    both = _read("nowplaying", tmp_path / "train.txt", test=tmp_path / "held.txt")
    assert both.part.tolist() == [0] * 5 + [2] * 2
    assert both.runs.tolist() == [0, 0, 1, 1, 1, 2, 2]
    assert [item for _, item, _ in _rows(both)] == ["1", "2", "3", "4", "1", "2", "1"]


def test_hetrec_has_names_and_tags(tmp_path: Path) -> None:
    (tmp_path / "artists.dat").write_text("id\tname\n1\tMoon\n2\tSun\n")
    (tmp_path / "tags.dat").write_text("tagID\ttagValue\n7\tpop\n8\todd\n")
    (tmp_path / "user_artists.dat").write_text("userID\tartistID\tweight\n5\t1\t30\n6\t2\t4\n")
    tagged = "userID\tartistID\ttagID\tday\tmonth\tyear\n"
    tagged += "5\t1\t7\t1\t1\t2009\n6\t1\t7\t1\t1\t2009\n6\t1\t8\t1\t1\t2009\n"
    (tmp_path / "user_taggedartists.dat").write_text(tagged)
    found = _read("hetrec-lastfm", tmp_path)
    assert found.catalogue.tracks["title"].to_pylist() == ["Moon", "Sun"]
    assert found.catalogue.tracks["genres"].to_pylist() == [["pop"], []]
    assert found.plays.tolist() == [30.0, 4.0]
    assert found.friends == {}


def _hetrec_with(folder: Path, friends: str) -> Path:
    (folder / "artists.dat").write_text("id\tname\n1\tMoon\n2\tSun\n")
    counts = "userID\tartistID\tweight\n5\t1\t30\n6\t2\t4\n7\t2\t1\n"
    (folder / "user_artists.dat").write_text(counts)
    (folder / "user_friends.dat").write_text(friends)
    return folder


def test_friends_are_read_where_they_lie_beside(tmp_path: Path) -> None:
    rows = "5\t6\n5\t7\n5\t6\n6\t5\n6\t6\n7\t99\n\t5\n"
    folder = _hetrec_with(tmp_path, "userID\tfriendID\n" + rows)
    for path in (folder, folder / "user_artists.dat"):
        found = _read("hetrec-lastfm", path)
        five, six, seven = (f"crowd:hetrec-lastfm:{one}" for one in "567")
        assert found.friends == {five: (six, seven), six: (five,)}
        assert found.rejected == 2  # somebody without plays, nobody
        known = training_part(found, np.ones(len(found), bool))
        assert known.friends == found.friends


@pytest.mark.parametrize(
    ("friends", "said"),
    [
        ("a\tb\n5\t6\n", r"user_friends\.dat.*has no columns userID and friendID.*a, b"),
        ("userID\tfriendID\n5\t6\n5\t98\n99\t6\n", r"\(2 of 3\).*names 98, of whom"),
        ("userID\tfriendID\n\t6\n", r"\(1 of 1\).*lacks userID or friendID"),
    ],
    ids=["columns", "strangers", "nobody"],
)
def test_a_file_of_friends_that_cannot_be_right_is_refused(
    friends: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=said) as refused:
        _read("hetrec-lastfm", _hetrec_with(tmp_path, friends))
    assert "do without it" in str(refused.value.cure)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("table", "", "empty"),
        ("table", "word\nother\n", "not one row"),
        ("hetrec-lastfm", "a\tb\n1\t2\n", "HetRec"),
        ("lastfm-1k", "a\tb\n1\t2\n", "lastfm-1k"),
        ("split-files", "u\ti\n", "train"),
    ],
)
def test_what_is_not_that_data_set_is_refused(
    name: str, content: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "file.tsv").write_text(content)
    with pytest.raises(SourceError) as refused:
        _read(name, tmp_path / "file.tsv")
    assert said in str(refused.value)
    assert refused.value.cure


def test_an_unknown_name_and_a_missing_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="hetrec-lastfm"):
        _read("movielens", tmp_path)
    with pytest.raises(SourceError, match="nothing"):
        _read("table", tmp_path / "nothing.csv")
