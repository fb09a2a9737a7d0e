"""Asking Amazon Personalize for recommendations, and telling it what is played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from segue.aws.clients import Aws
from segue.aws.personalize_things import SERVICE

__all__ = ["EVENTS_AT_ONCE", "MOST_ITEMS", "PersonalizeEvents", "PersonalizeRuntime", "Told"]

EVENTS_AT_ONCE: Final = 10
MOST_ITEMS: Final = 500
_LONGEST: Final = 256


@dataclass(frozen=True, slots=True)
class Told:
    """An event for PutEvents.

    Args:
        event_id: By which Personalize knows one that it has had already.
        session_id: Events of one listening session have the same.
        value: Share of the track that was heard, 0 … 1; None: not known.
        at: When, aware UTC.
        recommendation_id: Of the answer of Personalize that led to it; empty: none did.
    """

    event_id: str
    user_id: str
    session_id: str
    item_id: str
    event_type: str
    at: datetime
    value: float | None = None
    recommendation_id: str = ""

    def as_request(self) -> dict[str, Any]:
        """As PutEvents wants it."""
        told: dict[str, Any] = {
            "eventId": self.event_id[:_LONGEST],
            "eventType": self.event_type,
            "itemId": self.item_id,
            "sentAt": self.at,
        }
        if self.value is not None:
            told["eventValue"] = self.value
        if self.recommendation_id:
            told["recommendationId"] = self.recommendation_id
        return told


class PersonalizeEvents:
    """Tells Personalize what is played.

    Args:
        aws: How to reach it.
        tracking_id: Of the event tracker.
    """

    def __init__(self, aws: Aws, tracking_id: str) -> None:
        self._aws = aws
        self._tracking_id = tracking_id

    def put(self, events: Sequence[Told]) -> None:
        """Tell some events of one user in one session, at most ten.

        Telling them again does no harm: Personalize knows them by their ids.

        Raises:
            ServiceDownError: Not now; tell them again.
            ServiceError: It will not have them.
        """
        if not events:
            return
        client = self._aws.client("personalize-events")
        with self._aws.explained(SERVICE, "take events"):
            client.put_events(
                trackingId=self._tracking_id,
                userId=events[0].user_id[:_LONGEST],
                sessionId=events[0].session_id[:_LONGEST],
                eventList=[one.as_request() for one in events],
            )


class PersonalizeRuntime:
    """Asks a campaign.

    Args:
        aws: How to reach it.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def for_user(
        self,
        campaign: str,
        user_id: str,
        k: int,
        *,
        filter_arn: str = "",
        filter_values: Mapping[str, str] | None = None,
    ) -> tuple[tuple[str, float], ...]:
        """Items and scores for a user, best first; at most 500 may be asked for."""
        return self._asked(campaign, k, filter_arn, filter_values, userId=user_id)

    def beside_item(
        self,
        campaign: str,
        item_id: str,
        k: int,
        *,
        filter_arn: str = "",
        filter_values: Mapping[str, str] | None = None,
    ) -> tuple[tuple[str, float], ...]:
        """Items and scores near an item, best first."""
        return self._asked(campaign, k, filter_arn, filter_values, itemId=item_id)

    def _asked(
        self,
        campaign: str,
        k: int,
        filter_arn: str,
        filter_values: Mapping[str, str] | None,
        **whom: str,
    ) -> tuple[tuple[str, float], ...]:
        told: dict[str, Any] = {"campaignArn": campaign, "numResults": min(k, MOST_ITEMS), **whom}
        if filter_arn:
            told |= {"filterArn": filter_arn, "filterValues": dict(filter_values or {})}
        client = self._aws.client("personalize-runtime")
        with self._aws.explained(SERVICE, "recommend"):
            found = client.get_recommendations(**told)
        return tuple((one["itemId"], float(one.get("score", 0.0))) for one in found["itemList"])
