"""Asking open services what an export does not tell: likeness, sound, genres, years, popularity."""
