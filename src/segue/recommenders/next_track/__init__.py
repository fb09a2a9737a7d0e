"""The next track of a session: candidates of a first stage, ranked by trees."""

from segue.recommenders.next_track.recommender import NextTrackRanker

__all__ = ["NextTrackRanker"]
