"""Candidates in, an ordered and explained playlist out, then to a sink."""
