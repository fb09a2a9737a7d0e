"""Updates that die: the next one finishes, nothing is lost and nothing is there twice.

`python -m bench update_faults` kills many more.
"""

from __future__ import annotations

from pathlib import Path

from tests.update_storm import Death, storm


def test_updates_that_are_killed_one_after_the_other(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    counts = storm(
        home,
        [
            [
                Death("collect", "file", 9),
                Death("build", "file", 5),
                Death("publish", "asked", 1),
                Death("notify", "asked", 2),
            ]
        ],
    )
    assert counts.faultless, counts
    assert counts.kills.total() == 4, counts
    assert (counts.plays, counts.messages) == (49, 3 + 3)
