"""A stand-in for ListenBrainz: its API and its laboratory."""

from segue.fakes.listenbrainz.server import FakeListenBrainz

__all__ = ["FakeListenBrainz"]
