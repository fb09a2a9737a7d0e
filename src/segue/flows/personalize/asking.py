"""What the recommender has to be told, so that it asks what is there."""

from __future__ import annotations

from typing import Final

from segue.aws.personalize_things import CAMPAIGN, FILTER
from segue.flows.personalize.account import Account

__all__ = ["to_ask"]

_CAMPAIGNS: Final = {"for-you": "campaign", "similar": "similar_campaign"}
_FILTERS: Final = {"unheard": "unheard_filter", "genres": "genres_filter"}


def to_ask(account: Account) -> dict[str, str]:
    """Settings of `models.personalize`, of what is there."""
    told = account.settings.personalize
    found: dict[str, str] = {}
    for noun, names in ((CAMPAIGN, _CAMPAIGNS), (FILTER, _FILTERS)):
        for one in account.of(noun):
            thing = account.find(one)
            setting = names.get(one.name.removeprefix(f"{account.name}-"))
            if thing is not None and setting:
                found[setting] = thing.arn
    for name in ("region", "endpoint_url"):
        if value := getattr(told, name):
            found[name] = value
    return found
