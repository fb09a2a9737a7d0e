"""What was asked of the service and how it answered, for counting requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

__all__ = ["Asked", "RequestLog"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Args:
        at: When, on the service's clock.
        method: GET, POST, …
        route: The path with its words as a template: /v1/playlists/{playlist_id}/items.
        path: The path as it was.
        status: What was answered; what a fault made of it is in `fault`.
        client_id: Which app; empty when it did not say.
        user_id: For whom; empty for nobody.
        fault: What was done to the request.
        received: Bytes of its body.
        sent: Bytes of the answer's body.
    """

    at: datetime
    method: str
    route: str
    path: str
    status: int
    client_id: str = ""
    user_id: str = ""
    fault: str = ""
    received: int = 0
    sent: int = 0

    @property
    def endpoint(self) -> str:
        """Method and route: GET /me/player."""
        return f"{self.method} {self.route.removeprefix('/v1')}"


class RequestLog(list[Asked]):
    """Requests in the order they came."""

    def counts(self, fits: Callable[[Asked], bool] = lambda asked: True) -> dict[str, int]:
        """How many came for each endpoint, most first."""
        return dict(Counter(asked.endpoint for asked in self if fits(asked)).most_common())

    def of_api(self) -> int:
        """How many went to the Web API: what budgets and limits count."""
        return sum(asked.route.startswith("/v1") for asked in self)
