"""`segue jobs`: commands in the background, as a user begins and follows them."""

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
