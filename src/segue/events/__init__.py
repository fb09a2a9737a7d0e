"""The live path: an event log that forgets nothing, and what follows it."""
