"""Spotify's accounts service and Web API, by the rules of 2026."""
