"""What Personalize bills, said before anything is started that costs money."""

from __future__ import annotations

from typing import Final

__all__ = ["HOURS_A_MONTH", "campaign_words", "import_words", "training_words"]

HOURS_A_MONTH: Final = 730


def campaign_words(campaigns: int, tps: int) -> str:
    """What campaigns cost, in what is billed: prices differ by region and change."""
    hours = campaigns * tps * HOURS_A_MONTH
    name = "A campaign is" if campaigns == 1 else f"{campaigns} campaigns are"
    return (
        f"{name} billed by the hour from now on, asked or not, until `segue personalize destroy`: "
        f"at least {tps} request{'s' if tps > 1 else ''} a second each, {hours:,} TPS-hours a month"
        " in all. Multiply by the price of a TPS-hour in your region (aws.amazon.com/personalize)."
    )


def training_words(trainings: int) -> str:
    """What trainings cost."""
    name = "A training is" if trainings == 1 else f"{trainings} trainings are"
    return f"{name} billed by the interactions learned from or the hours it takes, by the recipe."


def import_words() -> str:
    """What imports cost."""
    return "Imports are billed by the GB."
