"""What can go wrong on the way: chosen by a test for some requests, or at random for a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

__all__ = ["KINDS", "Fault", "Faults", "fault_of"]


@dataclass(frozen=True)
class Fault:
    """How one request goes wrong.

    Args:
        status: Answer with this status, and do not do what was asked; 0: do it.
        reason: The word for programs in that answer.
        retry_after: Seconds in that answer's Retry-After; None: no such header.
        seconds: Wait that long before anything else.
        before: Close the connection before doing anything.
        lost: Do what was asked, then close the connection without an answer.
        half: Do what was asked, and send half of the answer.
        garbled: Do what was asked, and answer 200 with a page that is no JSON.
    """

    status: int = 0
    reason: str = ""
    retry_after: float | None = None
    seconds: float = 0.0
    before: bool = False
    lost: bool = False
    half: bool = False
    garbled: bool = False

    def __str__(self) -> str:
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return " ".join(f"{name}={value}" for name, value in told.items() if value)


KINDS: Final[Mapping[str, Fault]] = {
    "error": Fault(status=500),
    "bad gateway": Fault(status=502),
    "unavailable": Fault(status=503),
    "limited": Fault(status=429, retry_after=1),
    "dropped": Fault(before=True),
    "lost": Fault(lost=True),
    "half": Fault(half=True),
    "garbled": Fault(garbled=True),
}
"""Faults by name, for random runs and for the control pages."""


@dataclass
class _Rule:
    fault: Fault
    method: str
    path: re.Pattern[str]
    times: int
    skips: int


@dataclass
class Faults:
    """Which requests go wrong next."""

    _rules: list[_Rule] = field(default_factory=list)
    _chance: random.Random = field(default_factory=random.Random)
    _rate: float = 0.0
    _kinds: tuple[Fault, ...] = ()
    _paths: re.Pattern[str] = re.compile("")

    def add(
        self, fault: Fault, *, method: str = "", path: str = "", times: int = 1, after: int = 0
    ) -> None:
        """Let requests meet a fault.

        Args:
            fault: What happens.
            method: Only requests of this method; empty: of all.
            path: Only requests in whose path this regular expression is found.
            times: How many of them.
            after: How many that fit go through before.
        """
        self._rules.append(_Rule(fault, method.upper(), re.compile(path), times, after))

    def at_random(
        self, rate: float, *, seed: int = 0, kinds: Iterable[str] = tuple(KINDS), path: str = "/v1/"
    ) -> None:
        """From now on let this share of requests meet a fault, the same ones for a seed."""
        self._chance = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
        self._rate, self._paths = rate, re.compile(path)
        self._kinds = tuple(KINDS[kind] for kind in kinds)

    def clear(self) -> None:
        """All goes well again."""
        self._rules.clear()
        self._rate = 0.0

    def next(self, method: str, path: str) -> Fault | None:
        """What this request meets."""
        for rule in self._rules:
            if rule.times > 0 and rule.method in ("", method) and rule.path.search(path):
                if rule.skips > 0:
                    rule.skips -= 1
                    continue
                rule.times -= 1
                return rule.fault
        if self._rate and self._paths.search(path) and self._chance.random() < self._rate:
            return self._chance.choice(self._kinds)
        return None


def fault_of(told: Mapping[str, Any]) -> Fault:
    """A fault as JSON names it: {"kind": "lost"} or the fields of `Fault`."""
    if "kind" in told:
        return KINDS[told["kind"]]
    known = {one.name for one in fields(Fault)}
    return Fault(**{name: value for name, value in told.items() if name in known})
