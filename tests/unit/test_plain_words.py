"""What a page says of notes that were written for a terminal."""

from __future__ import annotations

import pytest

from segue.doors.web.plain_words import in_plain_words

SAID = {
    "Nothing is known of your taste yet: these are popular tracks. `segue import` helps.": (
        "Nothing is known of your taste yet: these are popular tracks. Adding your music helps."
    ),
    "Only 2 of 9 were found (`segue catalogue add` or `segue crowd add` brings more).": (
        "Only 2 of 9 were found."
    ),
    "Choose with --user, or import a history with `segue import --user`.": "",
    "Nothing was changed. See docs/configuration.md for every setting.": "Nothing was changed.",
    "Set SEGUE_HOME to a folder. Then try again.": "Then try again.",
    "Ann’s “Time - Live” (2003) is a well-known song.": (
        "Ann’s “Time - Live” (2003) is a well-known song."
    ),
    "": "",
}


@pytest.mark.parametrize("said", SAID)
def test_commands_stay_in_the_terminal(said: str) -> None:
    assert in_plain_words(said) == SAID[said]
