"""What this call tells of itself if it is a job, which somebody follows from elsewhere."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from segue.jobs.report import JobReport

__all__ = ["own_job"]

_HANDLE: Final = "SEGUE_JOB_FD"


@cache
def own_job() -> JobReport | None:
    """The report of this process; None: it is no job.

    The variable that says so leaves the environment, so that no child believes to be the job.
    """
    handle = os.environ.pop(_HANDLE, "")
    if not handle:
        return None
    from segue.jobs.report import report_of

    return report_of(handle, lambda: datetime.now(tz=UTC))
