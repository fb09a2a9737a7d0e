"""Time splits, metrics, leaderboards."""
