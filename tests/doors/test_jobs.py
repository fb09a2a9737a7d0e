"""`segue jobs`, `segue update` and `segue schedule`, as a user begins and follows them."""

from __future__ import annotations

from pathlib import Path

from tests.doors.home import Home


def test_a_command_in_the_background_is_followed_and_listed(home: Home) -> None:
    waited = home("jobs", "run", "--wait", "build")
    waited.refused("there is nothing to build from yet")  # and leaves as the command itself
    shown = home("jobs", "show", "build", "--json").json
    assert (shown["state"], shown["command"]) == ("failed", ["build"])
    assert "segue import" in shown["log"]
    listed = home("jobs").ok()
    assert "failed  there is nothing to build from yet" in listed.out
    home("jobs", "run", "bild").refused("no command “bild”", code=2)


def test_an_update_tells_its_steps_and_leaves_with_the_code_of_the_one_that_failed(
    home: Home,
) -> None:
    wanted = '[{"mix": "daily", "to": ["week.m3u"]}]'
    answer = home("update", "--json", SEGUE_PLAYLISTS=wanted)
    assert answer.code == answer.json["exit_code"] == 14
    states = {one["step"]: one["state"] for one in answer.json["steps"]}
    assert states["build"] == "skipped"
    assert states["recommend"] == "failed"
    home("update", SEGUE_PLAYLISTS='[{"when": "some day"}]').refused("says no time", code=2)


def test_schedules_are_listed_run_and_written_down(home: Home, tmp_path: Path) -> None:
    told = '{"look": {"when": "daily at 06:30", "command": ["jobs", "list"]}}'
    (one,) = home("schedule", "list", "--json", SEGUE_SCHEDULES=told).ok().json["schedules"]
    assert (one["name"], one["last"], one["is_due"]) == ("look", None, False)
    ran = home("schedule", "run", "--if-due", "--wait", "--json", SEGUE_SCHEDULES=told).ok().json
    assert [job["state"] for job in ran] == ["done"]
    again = home("schedule", "run", "look", "--if-due", SEGUE_SCHEDULES=told).ok()
    assert "Nothing is due" in again.out
    home("schedule", "systemd", "--out", tmp_path / "units", SEGUE_SCHEDULES=told).ok()
    assert sorted(path.name for path in (tmp_path / "units").iterdir()) == [
        "segue-look.service",
        "segue-look.timer",
    ]
    cron = home("schedule", "cron", SEGUE_SCHEDULES=told).ok().out.splitlines()
    assert any(line.startswith("30 6 * * * ") for line in cron)
    home("schedule", "run").refused("which schedule?", "collect", code=2)
