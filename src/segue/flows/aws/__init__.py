"""Upkeep of a deployment on AWS."""
