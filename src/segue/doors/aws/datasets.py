"""EventBridge → Step Functions → here, again and again: the daily data sets of Personalize."""

from __future__ import annotations

import time
from typing import Any, Final

from segue.doors.aws import place
from segue.errors import ConfigError

__all__ = ["handler"]

_MARGIN: Final = 15.0  # seconds in which an answer is sure to get out
_FOREVER: Final = 900.0


def handler(invocation: dict[str, Any], context: Any) -> dict[str, Any]:
    """Do the next pieces of work; what is answered is the next invocation's input.

    Args:
        invocation: What the last invocation answered; to begin with {} or {"whole": true}.
        context: Of Lambda: how long this invocation may still take.
    """
    from segue.flows.personalize.account import open_account
    from segue.flows.personalize.daily.build import go_on
    from segue.flows.personalize.daily.places import Work, open_places
    from segue.progress import Silent
    from segue.settings import load_settings

    whole = invocation.get("whole", False)
    if not isinstance(whole, bool):
        raise ConfigError("“whole” is true or false", field="whole", cure="Mend the input.")
    settings = load_settings()
    work = Work(
        open_account(settings),
        open_places(settings, sleep=time.sleep),
        place.now(),
        lambda: _seconds_left(context),
        Silent(),
    )
    return go_on(work, whole=whole, run_id=str(invocation.get("run", ""))).as_dict()


def _seconds_left(context: Any) -> float:
    """Until Lambda ends this invocation."""
    if context is None:
        return _FOREVER
    return float(context.get_remaining_time_in_millis()) / 1000 - _MARGIN
