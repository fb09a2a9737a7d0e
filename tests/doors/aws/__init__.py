"""Handlers, run by Lambda's own runtime."""
