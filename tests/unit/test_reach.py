"""Asking what may be out of reach: one tries, nobody else waits, and all go on when it is back."""

from __future__ import annotations

import threading

import pytest

from segue.errors import UnreachableError
from segue.flows.online.reach import Reach


def test_while_it_is_away_one_tries_and_nobody_else_waits() -> None:
    reach, trying, hold = Reach(), threading.Event(), threading.Event()

    def away() -> None:
        trying.set()
        hold.wait(10)
        raise UnreachableError("gone", cure="Wait.")

    def try_it() -> None:
        with pytest.raises(UnreachableError, match=r"gone\. Wait\."):
            reach(away)

    hold.set()
    try_it()
    hold.clear()
    trying.clear()
    waiting = threading.Thread(target=try_it)
    waiting.start()
    trying.wait(10)
    with pytest.raises(UnreachableError, match="gone"):
        reach(lambda: 7)
    hold.set()
    waiting.join()
    assert reach(lambda: 7) == 7


def test_what_else_goes_wrong_says_nothing_of_its_reach() -> None:
    reach = Reach()
    with pytest.raises(UnreachableError):
        reach(lambda: _raise(UnreachableError("gone")))
    with pytest.raises(ValueError, match="other"):
        reach(lambda: _raise(ValueError("other")))
    assert reach(lambda: 8) == 8


def _raise(error: Exception) -> None:
    raise error
