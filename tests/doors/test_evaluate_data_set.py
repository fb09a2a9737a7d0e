"""`segue evaluate --dataset`: data sets by name, from the command to the files it writes."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from tests.doors.home import Home


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Sixty listeners of two camps with ten of twenty tracks each."""
    rng = np.random.default_rng(1)
    rows = ["user_id,item_id,plays"]
    for user in range(60):
        tracks = rng.choice(20, 10, replace=False) + 20 * (user % 2)
        rows += [f"u{user},t{track},{1 + track % 3}" for track in tracks]
    path = tmp_path / "plays.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def _ask(path: Path, *more: str | Path) -> tuple[str | Path, ...]:
    return ("evaluate", "--dataset", "table", "--path", path, "--k", "5", *more)


def test_a_table_becomes_a_leaderboard_and_files(home: Home, table: Path, tmp_path: Path) -> None:
    files = ("--markdown", tmp_path / "board.md", "--picture", tmp_path / "board.svg")
    models = ("--models", "als,popular", "--seeds", "2")
    board = home(*_ask(table, *models, *files, "--json")).ok().json
    assert board["seeds"] == [17, 18]
    assert {row["model"] for row in board["rows"]} == {"als", "popular"}
    best = board["rows"][0]
    assert (best["part"], best["k"], best["cases"]) == ("all", 5, 120)
    assert set(board["by_seed"]["als"]) == {"recall", "ndcg", "mrr", "hit_rate"}
    assert len(board["by_seed"]["als"]["ndcg"]) == 2
    assert "popular (baseline)" in (tmp_path / "board.md").read_text(encoding="utf-8")
    assert (tmp_path / "board.svg").stat().st_size > 1000


def test_sessions_and_a_file_that_was_held_out(home: Home, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("1 2 3\n" * 20 + "4 5 6\n" * 20)
    (tmp_path / "test.txt").write_text("1 2 3\n5 6 99\n")
    said = home(
        *("evaluate", "--dataset", "nowplaying", "--path", tmp_path / "train.txt"),
        *("--test", tmp_path / "test.txt", "--models", "session_knn", "--k", "2"),
    ).ok()
    assert "cases 3" in said.out  # 1 -> 2, 1 2 -> 3, 5 -> 6; 99 is in no training session
    assert "of tracks training does not have 1" in said.out


def test_requests_that_cannot_be_meant(home: Home, table: Path, tmp_path: Path) -> None:
    home("evaluate", "--dataset", "nothing", "--path", table).refused("hetrec-lastfm", code=2)
    home("evaluate", "--dataset", "table").refused("--path", code=2)
    home("evaluate", "--path", table).refused("--dataset", code=2)
    home(*_ask(tmp_path / "no.csv")).refused("no.csv")
    home(*_ask(table, "--models", "wizard")).refused("popular", code=2)
    home(*_ask(table, "--split", "odd")).refused("leave-last", code=2)
    home(*_ask(table, "--split", "time")).refused("--split random", code=2)
    home("evaluate", "--dataset", "table", "--path", table, "--k", "40").refused(
        "catalogue", code=2
    )
    home("evaluate", "--dataset", "table", "--path", table, "--k", "ten").refused("--k", code=2)
    home(*_ask(table, "--picture", tmp_path / "a.gif")).refused(".png", code=2)
    home(*_ask(table, "--against", "wizard", "--models", "als")).refused("als", code=2)


def test_one_listener_alone(home: Home, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("user_id,item_id\n" + "".join(f"u,t{i}\n" for i in range(30)))
    said = home(*_ask(tmp_path / "one.csv"))
    assert said.code in (0, 2)
    assert "Traceback" not in said.err


def test_tuning_shows_and_applies_what_is_best(home: Home, table: Path) -> None:
    on = ("tune", "--dataset", "table", "--path", table, "--k", "5", "--trials", "4")
    shown = home(*on, "--model", "als").ok()
    assert "n_factors" in shown.out
    assert not (home.folder / "segue.toml").exists()
    report = home(*on, "--model", "als", "--apply", "--json").ok().json
    assert report["again"] == len(report["trials"])  # known from the first time
    for folder in (home.folder, home.folder / "tuning"):  # for the eyes of its owner only
        assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0, folder
    if report["applied"]:
        written = (home.folder / "segue.toml").read_text()
        assert f"n_factors = {report['best']['n_factors']}" in written
        home(*_ask(table, "--models", "als", "--limit-users", "5")).ok()


def test_tuning_that_cannot_be_meant(home: Home, table: Path) -> None:
    on = ("--dataset", "table", "--path", table)
    home("tune", "--model", "wizard", *on).refused("wizard", "als", code=2)
    home("tune", "--model", "most_played", *on).refused("als", code=2)
    home("tune", "--model", "als", "--metric", "luck", *on).refused("ndcg", code=2)
    home("tune", "--model", "als").refused("segue build")
    home.folder.mkdir(exist_ok=True)
    (home.folder / "segue.toml").write_text("[models.als]\nfactors = 3\n")
    home("evaluate", *on).refused("models.als.factors", "n_factors", code=2)


@pytest.mark.xdist_group("trained")
def test_the_own_board_as_files_and_tuning_on_earlier_weeks(trained: Home, tmp_path: Path) -> None:
    files = ("--markdown", tmp_path / "own.md", "--picture", tmp_path / "own.png")
    board = trained("evaluate", "--weeks", "2", "--k", "5,10", *files, "--json").ok().json
    assert {row["k"] for row in board["rows"]} == {5, 10}
    told = {name for row in board["rows"] for name in row["metrics"]}
    assert {"map", "novelty", "diversity", "repeat_share", "miscalibration"} <= told
    assert "## What was new, first 10" in (tmp_path / "own.md").read_text(encoding="utf-8")
    assert (tmp_path / "own.png").read_bytes().startswith(b"\x89PNG")
    tuning = ("tune", "--model", "session_knn", "--weeks", "2", "--trials", "2", "--part", "all")
    report = trained(*tuning, "--json").ok().json
    assert len(report["trials"]) == 2
    assert report["before"] == {"neighbours": 600}
    assert 0 < report["best_value"] <= 1
