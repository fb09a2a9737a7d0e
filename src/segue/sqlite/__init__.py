"""How a file of SQLite is made, opened, guarded and written: for whoever keeps something in one."""

from segue.sqlite.file import SqliteFile, transaction
from segue.sqlite.own_connections import OwnConnections
from segue.sqlite.time import microseconds, moment

__all__ = ["OwnConnections", "SqliteFile", "microseconds", "moment", "transaction"]
