"""The data homes that the page can show: the listener's own, and that of a made-up listener."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Final

from segue.doors.web.ask import House, Who
from segue.flows.online import Service
from segue.flows.wiring import Wiring

__all__ = ["LOOKING", "Houses"]

LOOKING: Final = "segue_look"
"""The cookie of whoever looks at the made-up listener."""

_DEMO: Final = "demo"
_OWN: Final = frozenset(
    ("start", "status", "settings", "look-around", "look-home", "connect", "callback")
)
"""What concerns one's own data, whoever is looked at."""


class Houses:
    """One's own home, and the made-up listener's, which is opened when somebody looks.

    Args:
        own: Closed by whoever opened it.
    """

    def __init__(self, own: House) -> None:
        self.own = own
        self._demo: House | None = None
        self._lock = threading.Lock()

    def of(self, path: str, who: Who, looking: str) -> tuple[House, Who]:
        """Which home a page is about, and whose music.

        Args:
            looking: The cookie's value.
        """
        if looking != _DEMO or path.split("/", 2)[1] in _OWN:
            return self.own, who
        demo = self._opened()
        if demo is None:
            return self.own, who
        return demo, replace(who, user_id=_DEMO, is_demo=True, may_switch=False, may_manage=False)

    def close(self) -> None:
        """Let go of what was opened here."""
        with self._lock:
            if self._demo is not None:
                self._demo.service.close()
                self._demo = None

    def _opened(self) -> House | None:
        settings = self.own.settings
        home = settings.home / _DEMO
        with self._lock:
            if self._demo is None and (home / "models" / "current").is_file():
                about = {"home": home, "user_id": _DEMO, "lake": "", "warehouse": "duckdb"}
                wiring = Wiring(settings.model_copy(update=about))
                service = Service.open(wiring, clock=self.own.clock)
                self._demo = House(service, wiring, self.own.household, self.own.clock)
            return self._demo
