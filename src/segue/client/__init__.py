"""Speaks to a service of Segue, from another program: typed, patient, and never twice.

>>> from segue.client import Asked, SegueClient, event  # doctest: +SKIP
>>> with SegueClient("http://127.0.0.1:8000") as segue:  # doctest: +SKIP
...     segue.report(event("ann", "spotify:track:6rqhFgbbKwnb9MLmUQDhG6", "play"))
...     segue.recommend("ann", Asked(k=10)).tracks[0].reason
"""

from segue.client.asking import AsyncSegueClient, SegueClient
from segue.client.told import Asked, EventReport, Listened, event
from segue.client.values import (
    EventOutcome,
    FoundTrack,
    Health,
    Profile,
    Recommendations,
    RecommendedTrack,
    Track,
    User,
)

__all__ = [
    "Asked",
    "AsyncSegueClient",
    "EventOutcome",
    "EventReport",
    "FoundTrack",
    "Health",
    "Listened",
    "Profile",
    "Recommendations",
    "RecommendedTrack",
    "SegueClient",
    "Track",
    "User",
    "event",
]
