"""The synchroniser: what is new in one playlist is added to another, on a schedule of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from segue.doors.aws.at_home import asked_of, at_home
from segue.doors.aws.place import now
from segue.errors import ConfigError
from segue.flows.sync_playlist import sync_playlist

__all__ = ["handler"]


def handler(invocation: object, context: object) -> dict[str, Any]:
    """Add to the target what it does not have; nothing is taken out, and nothing added twice.

    Args:
        invocation: `source` and `target` as of `segue playlist sync`; else SEGUE_SYNC_SOURCE and
            SEGUE_SYNC_TARGET say them.

    Returns:
        `added`, the number of tracks, and what else `segue playlist sync --json` tells.

    Raises:
        SegueError: There is no such playlist, or the service refuses or does not answer.
    """
    asked = asked_of(invocation)
    with at_home(context) as here:
        done = sync_playlist(
            here.wiring,
            _told(asked, "source"),
            _told(asked, "target"),
            user_id=here.settings.user_id,
            clock=now,
        )
    report = done.as_dict()
    return {**report, "added": len(done.report.added), "tracks_added": report["added"]}


def _told(asked: Mapping[str, Any], name: str) -> str:
    variable = f"SEGUE_SYNC_{name.upper()}"
    found = asked.get(name) or os.environ.get(variable, "")
    if not found or not isinstance(found, str):
        raise ConfigError(
            f"no {name} is said",
            field=name,
            cure=f"Set {variable}, or send it in the event, to a playlist's address or id.",
        )
    return found
