"""The fake Spotify on a loopback port."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from segue.fakes.faults import Fault
from segue.fakes.loopback import Loopback
from segue.fakes.messages import Answer, Request
from segue.fakes.spotify.service import Checks, answer
from segue.fakes.spotify.world import World

__all__ = ["FakeSpotify"]

Control = Callable[[World, Request], Answer]


class FakeSpotify(Loopback):
    """Accounts service and Web API, both below one address.

    Args:
        world: What it knows; a test changes it directly, under `world.lock`.
        port: Where it listens; 0: any free port.
        checks: What compares requests and answers with the API's description.
        control: What answers below /control.
        after: Called after each request, with the world's lock held.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        port: int = 0,
        checks: Checks | None = None,
        control: Control | None = None,
        after: Callable[[World], None] | None = None,
    ) -> None:
        super().__init__(port=port)
        self.world = World() if world is None else world
        self._checks = checks
        self._control = control
        self._after = after

    def start(self) -> Self:
        """Listen; links in answers lead here."""
        super().start()
        self.world.base_url = self.url
        return self

    def take(self, request: Request) -> tuple[Answer, Fault]:
        """Answer, with the next fault that is meant for such a request."""
        if request.path.startswith("/control") and self._control is not None:
            with self.world.lock:
                given = self._control(self.world, request)
                self._done()
            return given, Fault()
        with self.world.lock:
            fault = self.world.faults.next(request.method, request.path)
        if fault is not None:
            time.sleep(fault.seconds)
        with self.world.lock:
            given = self._answered(request, fault)
            self._done()
        return given, fault or Fault()

    def _answered(self, request: Request, fault: Fault | None) -> Answer:
        try:
            return answer(self.world, request, fault=fault, checks=self._checks)
        except Exception as error:  # as at every door; and whoever tests is to hear of it
            asked = f"{request.method} {request.path}"
            told = f"a fault of the stand-in: {type(error).__name__}: {error}"
            self.world.violations.append(f"{asked}: {told}")
            return Answer(500, told.encode(), {"Content-Type": "text/plain"})

    def _done(self) -> None:
        if self._after is not None:
            self._after(self.world)
