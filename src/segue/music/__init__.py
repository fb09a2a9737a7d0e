"""The nouns: plays, tracks, candidates, playlists, and the names of tables and columns."""
