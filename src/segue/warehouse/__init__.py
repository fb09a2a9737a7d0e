"""Plays kept in a Parquet lake and shaped into marts."""
