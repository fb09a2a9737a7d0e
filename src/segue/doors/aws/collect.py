"""The collector: what was played lately, into the lake on S3, every hour."""

from __future__ import annotations

from typing import Any

from segue.doors.aws.at_home import at_home, failed
from segue.doors.aws.place import now
from segue.flows.collect import collect

__all__ = ["handler"]


def handler(invocation: object, context: object) -> dict[str, Any]:
    """Collect from every service that is set up; the lake only gets files, none is changed.

    How far was read is kept after the plays are in the lake, and the lake keeps a play that is
    told again once: wherever this is cut off, no play is lost and none counts twice.

    Returns:
        The report of `segue collect --json`.

    Raises:
        SegueError: A service refuses or does not answer; the others were read.
    """
    del invocation
    with at_home(context) as here:
        report = collect(here.wiring, clock=now)
    faults = [
        (one.source, one.error.message, one.error.cure)
        for one in report.failed
        if one.error is not None
    ]
    if faults:
        raise failed("collecting", faults)
    return report.as_dict()
