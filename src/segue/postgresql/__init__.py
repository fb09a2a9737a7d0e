"""How a PostgreSQL server is reached, and what it says when something is wrong."""
