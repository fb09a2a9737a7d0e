"""Two limits: requests of an app in 30 rolling seconds, of a developer in 24 rolling hours."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from datetime import datetime, timedelta

from segue.fakes.messages import ApiError
from segue.fakes.spotify.people import App
from segue.fakes.spotify.rules import QUOTA_SECONDS, WINDOW_SECONDS, Rules

__all__ = ["Limits"]


class Limits:
    """Who has sent how much; what is refused is not counted."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._sent: dict[str, deque[datetime]] = defaultdict(deque)

    def count(self, app: App, now: datetime, *, upload: bool = False) -> None:
        """Count a request.

        Raises:
            ApiError: 429 with Retry-After; `reason` QUOTA_EXCEEDED when the day's quota is used.
        """
        quota = (f"quota {app.developer}", self._rules.quota_requests, QUOTA_SECONDS)
        window = (f"window {app.client_id}", self._rules.window_requests, WINDOW_SECONDS)
        wanted = [(*quota, "QUOTA_EXCEEDED"), (*window, "")]
        if upload:
            own = (f"upload {app.client_id}", self._rules.upload_requests, WINDOW_SECONDS, "")
            wanted.append(own)
        for name, allowed, seconds, reason in wanted:
            self._check(name, allowed, seconds, reason, now)
        for name, *_ in wanted:
            self._sent[name].append(now)

    def _check(self, name: str, allowed: int, seconds: float, reason: str, now: datetime) -> None:
        sent = self._sent[name]
        while sent and (now - sent[0]).total_seconds() >= seconds:
            sent.popleft()
        if len(sent) < allowed:
            return
        # As many must leave the window as are too many for one more.
        leaves = sent[len(sent) - allowed] if allowed else now
        after = math.ceil((leaves + timedelta(seconds=seconds) - now).total_seconds())
        raise ApiError(
            429,
            "Quota exceeded" if reason else "API rate limit exceeded",
            reason=reason,
            headers={"Retry-After": str(max(1, after))},
        )
