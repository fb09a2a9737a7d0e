"""Everything a user can get wrong is answered in words, with a non-zero exit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doors.home import Home


def test_without_a_command_the_help_is_shown(home: Home) -> None:
    assert "Commands:" in home().out + home().err


@pytest.mark.parametrize(
    "command",
    [
        ("import",),
        ("build",),
        ("train",),
        ("recommend",),
        ("evaluate",),
        ("tune",),
        ("status",),
        ("simulate",),
        ("demo",),
        ("catalogue", "add"),
        ("crowd", "add"),
    ],
)
def test_every_command_has_help_with_an_example(home: Home, command: tuple[str, ...]) -> None:
    said = home(*command, "--help").ok().out
    assert "Example:" in said
    assert "--json" in said


def test_each_step_says_which_one_must_come_before(home: Home) -> None:
    home("build").refused("segue import")
    home("train").refused("segue build")
    home("recommend").refused("segue train")
    home("evaluate").refused("segue build")
    home("evaluate", "--seeds", "3").refused("--seeds is for data sets only", code=2)
    home("evaluate", "--dataset", "table", "--path", "x", "--weeks", "2").refused(
        "--weeks is for your own plays only", code=2
    )


def test_an_input_that_is_not_there(home: Home, tmp_path: Path) -> None:
    answer = home("import", tmp_path / "nothing.zip").refused("nothing.zip")
    assert "Next:" not in answer.out


def test_one_bad_input_does_not_keep_the_good_one_out(
    home: Home, tmp_path: Path, export: Path
) -> None:
    (tmp_path / "bad.json").write_text("{")
    report = home("import", "--json", tmp_path / "bad.json", export).refused(code=1).json
    assert [entry["error"] is None for entry in report["inputs"]] == [False, True]
    assert report["total"]["kept"] > 0


def test_an_error_is_json_too_when_json_is_asked_for(home: Home) -> None:
    error = home("train", "--json").refused("segue build").json["error"]
    assert error["kind"] == "NotReadyError"
    assert error["cure"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--year", "nineties"), "--year nineties"),
        (("--year", "1999-1990"), "1990-1999"),
        (("--tempo", "fast"), "90-120"),
        (("--mix", "surprise"), "discover"),
        (("--adventurous", "3"), "adventurous"),
        (("--size", "0"), "size"),
    ],
)
def test_options_that_cannot_be_meant(home: Home, arguments: tuple[str, str], said: str) -> None:
    home("recommend", *arguments).refused(said, code=2)


def test_a_column_override_that_is_not_one(home: Home, tmp_path: Path) -> None:
    table = tmp_path / "tracks.csv"
    table.write_text("id,name\n1,a\n")
    home("catalogue", "add", table, "--column", "track_id").refused("OURS=THEIRS", code=2)


def test_a_home_that_cannot_be_made(tmp_path: Path, export: Path) -> None:
    (tmp_path / "file").write_text("")
    Home(tmp_path / "file" / "home")("import", export).refused("file/home")


def test_a_broken_settings_file_is_named(home: Home, export: Path) -> None:
    home.folder.mkdir()
    (home.folder / "segue.toml").write_text("[plays]\ncounted_ms = 'long'\n")
    home("import", export).refused("plays.counted_ms", code=2)


@pytest.mark.xdist_group("trained")
def test_a_user_nobody_knows(trained: Home) -> None:
    trained("recommend", "--mix", "rediscover", "--user", "nobody").refused("nobody", "me")


@pytest.mark.xdist_group("trained")
def test_a_seed_that_is_no_track(trained: Home) -> None:
    trained("recommend", "--mix", "similar").refused("--seed", code=2)
    trained("recommend", "--mix", "similar", "--seed", "Nobody - Nothing At All").refused("Nobody")


@pytest.mark.xdist_group("trained")
def test_a_file_that_cannot_be_written(trained: Home, tmp_path: Path) -> None:
    trained("recommend", "-o", tmp_path / "no" / "folder.m3u").refused("no/folder.m3u")
    trained("recommend", "-o", tmp_path / "no" / "table.txt").refused("table.txt")
