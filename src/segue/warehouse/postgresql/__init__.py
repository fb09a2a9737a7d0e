"""The warehouse on a PostgreSQL server."""

from segue.warehouse.postgresql.adapter import PostgreSQLWarehouse

__all__ = ["PostgreSQLWarehouse"]
