"""Fit on interactions, recommend tracks; bundles."""
