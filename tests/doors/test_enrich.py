"""`segue enrich`, as somebody at a keyboard meets it."""

from __future__ import annotations

from tests.doors.home import Home


def test_it_says_what_is_missing(home: Home) -> None:
    home("enrich").refused("no service may be asked", "--source", code=2)
    home("enrich", "--source", "reccobeats", "--dry-run").refused("segue build")
