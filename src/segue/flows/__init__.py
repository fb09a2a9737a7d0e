"""The story, one verb a file; wiring."""
