"""Functions that go wrong, for the runtime that the tests play."""

import os
import time


def slow(event: object, context: object) -> None:
    """Take longer than anybody waits."""
    time.sleep(60)


def gone(event: object, context: object) -> None:
    """End the process."""
    os._exit(3)


def told(event: object, context: object) -> list[object]:
    """What a function learns beside its event."""
    return [
        event,
        getattr(context, "aws_request_id", ""),
        getattr(context, "get_remaining_time_in_millis", int)(),
        getattr(context, "invoked_function_arn", ""),
        os.getpid(),
    ]
