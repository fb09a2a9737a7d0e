"""The command line."""

from segue.doors.cli.main import main

__all__ = ["main"]
