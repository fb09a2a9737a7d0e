"""Seconds of processor that processes take: one, all that it has begun, and the whole machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["busy_s", "children_s", "process_s", "tree_s"]

_TICKS = os.sysconf("SC_CLK_TCK")


def process_s(pid: int) -> float:
    """Of one process that runs, without those that it has begun."""
    return sum(_times(pid)[:2]) / _TICKS


def tree_s(pid: int) -> float:
    """Of a process and all that it has begun, whether they still run or have ended."""
    return sum(sum(_times(one)) for one in _tree(pid)) / _TICKS


def children_s() -> float:
    """Of the programs that this process has begun, and that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def busy_s() -> float:
    """Of the machine since it was started: all its cores, whoever took it."""
    told = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    user, nice, system, _idle, _waiting, hard, soft, _stolen = map(int, told)
    return (user + nice + system + hard + soft) / _TICKS


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in tasks.read_text().split():
            yield from _tree(int(child))


def _times(pid: int) -> tuple[int, int, int, int]:
    """User and system ticks: its own, and of children that it has waited for."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return 0, 0, 0, 0
    user, system, of_children, of_their_system = map(int, told[11:15])
    return user, system, of_children, of_their_system
