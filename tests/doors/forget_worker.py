"""A process of its own that forgets a user, for tests that kill it at a step."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from segue.flows.forget import Whose, forget
from segue.flows.wiring import Wiring
from segue.progress import Silent
from segue.settings import Settings


def main(home: str, user_id: str, fatal: str) -> None:
    """Forget; at the step `fatal` the process is killed."""
    steps = 0

    def on_step(step: str) -> None:
        nonlocal steps
        steps += 1
        if fatal in (step, str(steps)):
            os.kill(os.getpid(), signal.SIGKILL)

    forget(Wiring(Settings(home=Path(home))), Whose(user_id), progress=Silent(), on_step=on_step)


if __name__ == "__main__":
    main(*sys.argv[1:])
