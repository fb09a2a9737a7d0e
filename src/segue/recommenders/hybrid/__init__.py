"""The second stage: every other recommender proposes, trees that learned from past weeks rank."""

from segue.recommenders.hybrid.model import Hybrid

__all__ = ["Hybrid"]
