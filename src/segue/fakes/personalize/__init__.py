"""A stand-in for Amazon Personalize: every request is held against the published service model."""

from segue.fakes.personalize.server import FakePersonalize

__all__ = ["FakePersonalize"]
