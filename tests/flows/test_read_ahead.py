"""Reading ahead changes when things are read, never what comes out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from segue.flows.read_ahead import reading_ahead

Reads = list[Callable[[], Iterator[int]]]


def count(start: int, n: int) -> Iterator[int]:
    yield from range(start, start + n)


def test_items_come_in_order() -> None:
    reads: Reads = [partial(count, 100 * number, number) for number in range(20)]
    with reading_ahead(reads, at_once=3) as read:
        got = [list(items) for items in read]
    assert got == [list(range(100 * number, 101 * number)) for number in range(20)]


def test_no_reads_at_all() -> None:
    reads: Reads = []
    with reading_ahead(reads) as read:
        assert list(read) == []


def test_the_next_read_has_begun_before_its_turn() -> None:
    begun = threading.Event()

    def second() -> Iterator[int]:
        begun.set()
        yield 2

    reads: Reads = [partial(count, 1, 1), second]
    with reading_ahead(reads) as read:
        first = next(read)
        assert begun.wait(10)
        assert list(first) == [1]
        assert list(next(read)) == [2]


def test_a_fault_comes_in_its_turn() -> None:
    def faulty() -> Iterator[int]:
        yield 7
        raise ZeroDivisionError

    got: list[int] = []
    reads: Reads = [partial(count, 0, 3), faulty, partial(count, 9, 1)]
    with reading_ahead(reads) as read:
        got += list(next(read))
        second = next(read)
        got.append(next(second))
        with pytest.raises(ZeroDivisionError):
            next(second)
        got += list(next(read))
    assert got == [0, 1, 2, 7, 9]


def test_leaving_early_ends_the_reads() -> None:
    closed: list[int] = []

    def endless(number: int) -> Iterator[int]:
        try:
            while True:
                yield number
        finally:
            closed.append(number)

    reads: Reads = [partial(endless, 1), partial(endless, 2)]
    with reading_ahead(reads) as read:
        assert next(next(read)) == 1
    assert sorted(closed) == [1, 2]
    assert not [t for t in threading.enumerate() if t.name.startswith("segue-read")]
