"""What went wrong, in words for whoever looks at the page."""

from __future__ import annotations

import logging

from segue.doors.http.problems import ProblemError
from segue.doors.web.plain_words import in_plain_words
from segue.errors import (
    BusyError,
    NotFittedError,
    NotReadyError,
    SegueError,
    StorageError,
    Temporary,
    UnknownUserError,
    WarehouseError,
)

__all__ = ["Trouble", "said_of", "trouble_of"]

_log = logging.getLogger(__name__)


class Trouble(Exception):  # noqa: N818 - it is shown as such, and is no fault of the program
    """Ends a request with words.

    Args:
        title: What happened, in a few words.
        detail: The same in a sentence, or what can be done.
        cure: What can be done.
        request_id: For whoever looks into the logs; empty: that would not help.
    """

    def __init__(
        self, status: int, title: str, detail: str = "", *, cure: str = "", request_id: str = ""
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.cure = cure
        self.request_id = request_id


def trouble_of(error: Exception, request_id: str) -> Trouble:
    """What an error means to a listener. What they cannot mend is logged, and not told."""
    match error:
        case Trouble():
            return error
        case ProblemError():
            return Trouble(error.status, error.detail, cure=error.cure)
        case NotReadyError() | NotFittedError():
            return Trouble(
                409,
                "There is nothing to choose from yet",
                _sentence(error.message),
                cure="Add your music under “Add music”; the rest happens by itself.",
            )
        case UnknownUserError():
            return Trouble(404, "Nothing is known of this listener", cure=error.cure)
        case StorageError() | BusyError() | MemoryError() | OSError():
            _log.error("not available: %s", error)
            return Trouble(
                503,
                "That cannot be done at the moment",
                "Something that it needs is busy, full, or not to be reached.",
                cure="Try again in a while; nothing was lost.",
                request_id=request_id,
            )
        case WarehouseError():
            _log.error("failed: %s", error)
        case SegueError():
            status = 503 if isinstance(error, Temporary) else 422
            return Trouble(status, _sentence(error.message), cure=error.cure)
        case _:
            _log.error("a fault inside Segue", exc_info=error)
    return Trouble(
        500,
        "Something went wrong inside Segue",
        "The log of the service tells more.",
        cure="Try again; if it stays so, tell whoever looks after this machine.",
        request_id=request_id,
    )


def said_of(error: SegueError) -> str:
    """What happened and what to do, for a note on a page."""
    return f"{_sentence(error.message)} {in_plain_words(error.cure)}".strip()


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
