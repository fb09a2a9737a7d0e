"""`segue jobs` and `segue update`, as a user begins and follows them."""

from __future__ import annotations

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
