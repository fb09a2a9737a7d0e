"""The personal updater: `segue update` as a function on a schedule."""

from __future__ import annotations

from typing import Any

from segue.doors.aws.at_home import asked_of, at_home, failed
from segue.doors.aws.place import now
from segue.doors.local_zone import clocks_of
from segue.errors import ConfigError
from segue.flows.update.report import UpdateReport
from segue.flows.update.run import Wanted, update
from segue.progress import Silent

__all__ = ["handler"]


def handler(invocation: object, context: object) -> dict[str, Any]:
    """Collect, build, train if due, make the playlists that are due, publish them, and tell.

    The home goes back to S3 after every step, so the next invocation goes on where this one was
    cut off.

    Args:
        invocation: {} does it all; `only`, `skip`, `users`, `now` and `dry_run` are the options of
            `segue update`.

    Returns:
        The report of `segue update --json`.

    Raises:
        SegueError: A step failed; what could still go on did, and is kept.
    """
    wanted = _wanted(invocation)
    with at_home(context) as here:
        report = update(
            here.wiring,
            wanted,
            clock=now,
            zone=clocks_of(here.settings),
            progress=Silent(),
            on_step=lambda step: here.step_done(),
        )
    if report.exit_code:
        raise failed("the update", _faults(report))
    return report.as_dict()


def _wanted(invocation: object) -> Wanted:
    asked = asked_of(invocation)
    return Wanted(
        only=_names(asked.get("only"), "only"),
        skip=_names(asked.get("skip"), "skip"),
        users=_names(asked.get("users"), "users"),
        at_once=_yes(asked.get("now"), "now"),
        dry_run=_yes(asked.get("dry_run"), "dry_run"),
    )


def _names(told: object, field: str) -> tuple[str, ...]:
    if told is None:
        return ()
    if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
        raise ConfigError(f"“{field}” is no list of names", field=field, cure="Mend the event.")
    return tuple(told)


def _yes(told: object, field: str) -> bool:
    if not isinstance(told, bool | None):
        raise ConfigError(f"“{field}” is neither true nor false", field=field, cure="Mend it.")
    return bool(told)


def _faults(report: UpdateReport) -> list[tuple[str, str, str]]:
    return [(one.step, one.words, one.cure) for one in report.steps if one.state == "failed"]
