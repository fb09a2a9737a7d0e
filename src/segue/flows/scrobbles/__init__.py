"""Collecting from services that keep a person's plays: Last.fm and ListenBrainz."""
