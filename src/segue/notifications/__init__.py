"""Telling people what happened: messages, and where they are sent."""
